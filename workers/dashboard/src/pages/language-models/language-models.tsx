import { Button } from "@cloudflare/kumo/components/button";
import { ChatCircleTextIcon } from "@phosphor-icons/react/ChatCircleText";
import { PlusIcon } from "@phosphor-icons/react/Plus";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { providersMax } from "../../../../../core/llm/provider.ts";
import { listLlmProviders, llmProvidersKey } from "../../api/llm.ts";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { EmptyState } from "../../components/states.tsx";
import { KeyNotice } from "./key-notice.tsx";
import { ProviderCard, type ProviderTask } from "./provider-card.tsx";
import { AddProviderDialog, ProviderTaskDialog } from "./provider-tasks.tsx";
import { UsageSection } from "./usage-section.tsx";

/** The organisation's own providers of language models, and what they cost. */
export function LanguageModelsPage() {
  const { may } = useOrg();
  return (
    <>
      {may("llm:manage") ? (
        <Providers />
      ) : (
        <PageHeader title="Language models" lead="An owner or admin chooses who may ask which" />
      )}
      <div className="mt-4">
        <UsageSection />
      </div>
    </>
  );
}

function Providers() {
  const { org } = useOrg();
  const [adding, setAdding] = useState(false);
  const [task, setTask] = useState<ProviderTask | null>(null);
  const query = useQuery({
    queryKey: llmProvidersKey(org.id),
    queryFn: ({ signal }) => listLlmProviders(org.id, signal),
  });
  const items = query.data?.items ?? [];
  const platform = query.data?.workers_ai ?? null;
  const add = (
    <Button variant="primary" icon={PlusIcon} disabled={items.length >= providersMax} onClick={() => setAdding(true)}>
      Add a provider
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Language models"
        lead="Providers of your own, in the order in which they are asked: where one fails, the next is"
        actions={items.length > 0 ? add : undefined}
      />
      <QueryView query={query} label="Loading providers" rows={3}>
        {items.length === 0 ? (
          <EmptyState icon={<ChatCircleTextIcon className="size-8" />} title="No provider yet">
            <p>
              Give the address and key of one, and who may ask it for how much a month. Until then no text leaves for
              any model.
            </p>
            {add}
          </EmptyState>
        ) : (
          <div className="grid gap-4">
            <KeyNotice providers={items} />
            {items.map((provider, index) => (
              <ProviderCard
                key={provider.id}
                provider={provider}
                platform={platform}
                turn={index + 1}
                onTask={setTask}
              />
            ))}
          </div>
        )}
      </QueryView>
      {adding && <AddProviderDialog platform={platform} onClose={() => setAdding(false)} />}
      {task !== null && <ProviderTaskDialog task={task} platform={platform} onClose={() => setTask(null)} />}
    </>
  );
}

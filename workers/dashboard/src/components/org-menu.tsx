import { Button } from "@cloudflare/kumo/components/button";
import { DropdownMenu } from "@cloudflare/kumo/components/dropdown";
import { CaretUpDownIcon } from "@phosphor-icons/react/CaretUpDown";
import { useNavigate } from "react-router";
import type { Membership } from "../api/schemas.ts";

/** Which organisation is on screen, and the way to the others. */
export function OrgMenu({ org, orgs }: { readonly org: Membership; readonly orgs: readonly Membership[] }) {
  const navigate = useNavigate();
  return (
    <DropdownMenu>
      <DropdownMenu.Trigger
        render={
          <Button className="w-full min-w-0 justify-between" aria-label={`Organisation ${org.name}`}>
            <span className="truncate">{org.name}</span>
            <CaretUpDownIcon aria-hidden="true" className="shrink-0 text-kumo-subtle" />
          </Button>
        }
      />
      <DropdownMenu.Content align="start">
        {orgs.map((each) => (
          <DropdownMenu.Item
            key={each.id}
            selected={each.id === org.id}
            onClick={() => void navigate(`/o/${each.slug}`)}
          >
            {each.name}
          </DropdownMenu.Item>
        ))}
        <DropdownMenu.Separator />
        <DropdownMenu.Item onClick={() => void navigate("/")}>All organisations</DropdownMenu.Item>
      </DropdownMenu.Content>
    </DropdownMenu>
  );
}

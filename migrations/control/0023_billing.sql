-- Plans that are paid for: who pays and how, what was used, what was invoiced (docs/billing.md, docs/adr/0038-billing.md).
-- The plan itself stands where it always stood, in control.organisations.plan.

-- One row an organisation that ever paid, asked for a plan or said to whom invoices go. No row: nothing of that kind.
CREATE TABLE control.subscriptions (
  org_id text PRIMARY KEY REFERENCES control.organisations ON DELETE CASCADE,
  provider text NOT NULL DEFAULT 'invoice' CHECK (provider IN ('invoice', 'stripe')),
  currency text NOT NULL DEFAULT 'INR' CHECK (currency IN ('INR', 'USD')),
  -- What an owner asked the operator for, where nobody takes payments.
  requested_plan text CHECK (requested_plan IN ('school', 'district')),
  requested_at timestamptz,
  -- To whom invoices go: {name, address, gstin, state}. Null: nobody said.
  buyer jsonb CHECK (jsonb_typeof(buyer) = 'object'),
  -- What the organisation is at its provider, as of then.
  customer text CHECK (char_length(customer) BETWEEN 1 AND 255),
  subscription text CHECK (char_length(subscription) BETWEEN 1 AND 255),
  provider_owed_since timestamptz,
  ends_at timestamptz,
  state_as_of timestamptz,
  -- What was told of a debt (core/billing/standing.ts). Written by the clock alone.
  told_standing text NOT NULL DEFAULT 'active' CHECK (told_standing IN ('active', 'past_due', 'grace', 'restricted')),
  reminded_for timestamptz,
  reminded_day integer CHECK (reminded_day >= 0),
  CHECK ((requested_plan IS NULL) = (requested_at IS NULL)),
  CHECK ((reminded_for IS NULL) = (reminded_day IS NULL))
);
CREATE INDEX subscriptions_customer ON control.subscriptions (provider, customer) WHERE customer IS NOT NULL;

-- Since when an organisation has been on which plan, and who is paid for it. Written by the triggers below alone, so no
-- way to change a plan can forget it. Whoever has been here since before has no row: they are asked for nothing until
-- their plan changes.
CREATE TABLE control.plan_periods (
  org_id text NOT NULL REFERENCES control.organisations ON DELETE CASCADE,
  from_at timestamptz NOT NULL,
  plan text NOT NULL CHECK (plan IN ('free', 'school', 'district')),
  provider text NOT NULL CHECK (provider IN ('invoice', 'stripe')),
  PRIMARY KEY (org_id, from_at)
);

CREATE FUNCTION control.note_plan_period() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    BEGIN
      INSERT INTO control.plan_periods AS p (org_id, from_at, plan, provider)
        SELECT NEW.id, clock_timestamp(), NEW.plan,
          coalesce((SELECT s.provider FROM control.subscriptions s WHERE s.org_id = NEW.id), 'invoice')
        ON CONFLICT (org_id, from_at) DO UPDATE SET plan = excluded.plan, provider = excluded.provider;
      RETURN NULL;
    END
  $$;
CREATE FUNCTION control.note_provider_period() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    BEGIN
      INSERT INTO control.plan_periods AS p (org_id, from_at, plan, provider)
        SELECT o.id, clock_timestamp(), o.plan, NEW.provider FROM control.organisations o WHERE o.id = NEW.org_id
        ON CONFLICT (org_id, from_at) DO UPDATE SET plan = excluded.plan, provider = excluded.provider;
      RETURN NULL;
    END
  $$;
REVOKE ALL ON FUNCTION control.note_plan_period(), control.note_provider_period() FROM PUBLIC;
CREATE TRIGGER note_plan_period AFTER UPDATE OF plan ON control.organisations
  FOR EACH ROW WHEN (OLD.plan IS DISTINCT FROM NEW.plan) EXECUTE FUNCTION control.note_plan_period();
CREATE TRIGGER note_provider_period AFTER UPDATE OF provider ON control.subscriptions
  FOR EACH ROW WHEN (OLD.provider IS DISTINCT FROM NEW.provider) EXECUTE FUNCTION control.note_provider_period();
-- Without a row it was 'invoice': whoever was on a paid plan before the provider told of them is paid for elsewhere now.
CREATE TRIGGER note_first_provider_period AFTER INSERT ON control.subscriptions
  FOR EACH ROW WHEN (NEW.provider <> 'invoice') EXECUTE FUNCTION control.note_provider_period();

-- What an organisation had on a day (UTC): the most that was measured on it.
CREATE TABLE control.usage_days (
  org_id text NOT NULL REFERENCES control.organisations ON DELETE CASCADE,
  day date NOT NULL,
  plan text NOT NULL CHECK (plan IN ('free', 'school', 'district')),
  devices bigint NOT NULL CHECK (devices >= 0),
  members bigint NOT NULL CHECK (members >= 0),
  storage_bytes bigint NOT NULL CHECK (storage_bytes >= 0),
  -- Null: nobody asked the hub on that day.
  messages bigint CHECK (messages >= 0),
  -- Micro-dollars of the month up to that day.
  llm_micros bigint CHECK (llm_micros >= 0),
  -- Null: the clock was away on that day, and the figures are those of the day before it.
  measured_at timestamptz,
  PRIMARY KEY (org_id, day)
);

-- Invoices are kept for as long as tax law asks, longer than the organisation itself: nothing is referenced.
CREATE TABLE control.invoices (
  id text PRIMARY KEY CHECK (id ~ '^bil_[0-9a-z]{26}$'),
  org_id text NOT NULL CHECK (org_id ~ '^org_[0-9a-z]{26}$'),
  -- At most 16 characters, consecutive within a financial year (CGST Rules 2017, rule 46(b)).
  number text NOT NULL UNIQUE CHECK (number ~ '^S[0-9]{4}/[0-9]{6}$'),
  -- The first day of the month that it is for. One a month, whatever happens.
  period date NOT NULL CHECK (extract(day FROM period) = 1),
  issued_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL CHECK (due_at > issued_at),
  currency text NOT NULL CHECK (currency IN ('INR', 'USD')),
  -- As they were on that day: what is changed later changes no invoice.
  seller jsonb NOT NULL CHECK (jsonb_typeof(seller) = 'object'),
  buyer jsonb NOT NULL CHECK (jsonb_typeof(buyer) = 'object'),
  lines jsonb NOT NULL CHECK (jsonb_typeof(lines) = 'array' AND jsonb_array_length(lines) BETWEEN 1 AND 62),
  -- Minor units.
  net_minor bigint NOT NULL CHECK (net_minor > 0),
  cgst_minor bigint NOT NULL CHECK (cgst_minor >= 0),
  sgst_minor bigint NOT NULL CHECK (sgst_minor >= 0),
  igst_minor bigint NOT NULL CHECK (igst_minor >= 0),
  total_minor bigint NOT NULL,
  paid_at timestamptz,
  -- The bank's, of whoever marked it.
  paid_reference text CHECK (char_length(paid_reference) BETWEEN 1 AND 64),
  -- The owners were told.
  mailed_at timestamptz,
  UNIQUE (org_id, period),
  CONSTRAINT invoices_total CHECK (total_minor = net_minor + cgst_minor + sgst_minor + igst_minor),
  -- One tax or the other, never both (IGST Act 2017, sections 7 and 8).
  CONSTRAINT invoices_tax CHECK (cgst_minor = sgst_minor AND (igst_minor = 0 OR cgst_minor = 0)),
  CONSTRAINT invoices_paid CHECK ((paid_at IS NULL) = (paid_reference IS NULL))
);
CREATE INDEX invoices_unpaid ON control.invoices (org_id, due_at) WHERE paid_at IS NULL;
CREATE INDEX invoices_unmailed ON control.invoices (issued_at) WHERE mailed_at IS NULL;

-- What was issued stays as it is, whoever asks: it can be paid once and mailed once, and nothing else happens to it.
CREATE FUNCTION control.keep_invoice() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
    BEGIN
      IF TG_OP = 'DELETE' OR OLD.paid_at IS NOT NULL AND NEW.paid_at IS DISTINCT FROM OLD.paid_at
        OR OLD.paid_reference IS NOT NULL AND NEW.paid_reference IS DISTINCT FROM OLD.paid_reference
        OR (to_jsonb(NEW) - '{paid_at,paid_reference,mailed_at}'::text[])
          <> (to_jsonb(OLD) - '{paid_at,paid_reference,mailed_at}'::text[]) THEN
        RAISE EXCEPTION 'an invoice that was issued is not changed' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END
  $$;
CREATE TRIGGER keep_invoice BEFORE UPDATE OR DELETE ON control.invoices
  FOR EACH ROW EXECUTE FUNCTION control.keep_invoice();
-- The last number of each financial year. Taken in the statement that writes the invoice: if that fails, the number is
-- free again, so there is no gap.
CREATE TABLE control.invoice_series (
  year text PRIMARY KEY CHECK (year ~ '^[0-9]{4}$'),
  last integer NOT NULL CHECK (last BETWEEN 1 AND 999999)
);

-- What the payment provider said, each event once.
CREATE TABLE control.payment_events (
  provider text NOT NULL CHECK (provider IN ('invoice', 'stripe')),
  id text NOT NULL CHECK (char_length(id) BETWEEN 1 AND 255),
  -- Null: it concerns no organisation that is here.
  org_id text REFERENCES control.organisations ON DELETE CASCADE,
  kind text NOT NULL CHECK (char_length(kind) BETWEEN 1 AND 128),
  occurred_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  -- False: of a kind that changes nothing, or older than what was known.
  applied boolean NOT NULL,
  PRIMARY KEY (provider, id)
);
CREATE INDEX payment_events_org ON control.payment_events (org_id);

GRANT SELECT, INSERT ON control.subscriptions TO sentinel_control;
GRANT UPDATE (provider, currency, requested_plan, requested_at, buyer, customer, subscription, provider_owed_since,
  ends_at, state_as_of, told_standing, reminded_for, reminded_day) ON control.subscriptions TO sentinel_control;
GRANT SELECT ON control.plan_periods TO sentinel_control;
GRANT SELECT, INSERT, UPDATE ON control.usage_days TO sentinel_control;
GRANT SELECT, INSERT ON control.invoices TO sentinel_control;
GRANT UPDATE (paid_at, paid_reference, mailed_at) ON control.invoices TO sentinel_control;
GRANT SELECT, INSERT, UPDATE ON control.invoice_series TO sentinel_control;
GRANT SELECT, INSERT ON control.payment_events TO sentinel_control;

-- A backup reads every row of a tenant: the operator's as the owner of the tables, a Worker's as the tenant's role,
-- both under the scope `system`, in one snapshot. Row level security would leave rows out without a word, so a table
-- that a backup can read whole says so by this policy, always of this text; one that lacks it (a later migration's)
-- makes the backup fail, and a test says so before that.
--
-- `system` sees and changes all of this anyway, table by table; here it stands in one way.
DO $$
DECLARE
  t text;
BEGIN
  FOR t IN
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = '{{schema}}'::regnamespace AND c.relkind IN ('r', 'p') AND c.relrowsecurity
      AND NOT c.relispartition AND c.relname NOT IN ('scope_key', 'telemetry_unmoved')
    ORDER BY c.relname
  LOOP
    EXECUTE format('CREATE POLICY backup_read ON {{schema}}.%I FOR SELECT TO CURRENT_USER, {{role}} USING ((SELECT {{schema}}.scope_role()) = ''system'')', t);
  END LOOP;
END
$$;

GRANT SELECT ON {{schema}}.telemetry_retimed, {{schema}}.telemetry_removed TO {{role}};

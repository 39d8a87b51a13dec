-- Tenants' schemas belong to sentinel_provisioner, and waves over them (scripts/migrate/tenants) are run by
-- whoever holds the owner's connection. The owner made that role, so it could give itself this right at any
-- moment; here it stands to be seen. Without INHERIT: outside of such a transaction the owner's sessions
-- still read no tenant's rows.
GRANT sentinel_provisioner TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;

-- Documents: what is known of them. Their bytes lie sealed in a bucket (docs/adr/0034-documents.md).
--
-- Who sees and writes what:
--   owner, admin   everything
--   readonly       sees everything, writes nothing
--   analyst        sees what they made and what is shared with them; makes documents and writes their own
--   viewer         sees what they made (in another role) and what is shared with them; writes nothing
--   system (jobs)  everything, and alone ends what was deleted
--   no valid scope nothing
-- A share lets read, never write, ends at its own time, and counts for nothing while the document is in the bin.

CREATE TABLE {{schema}}.documents (
  id text PRIMARY KEY CHECK (id ~ '^doc_[0-9a-z]{26}$'),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
  -- People live in the control schema, perhaps in another cluster, so nothing can be referenced.
  owner_id text NOT NULL CHECK (char_length(owner_id) BETWEEN 1 AND 64),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  -- The document's own key, wrapped by the organisation's data key, which lies in no tenant's schema.
  wrapped_key text NOT NULL CHECK (length(wrapped_key) BETWEEN 1 AND 8192),
  -- The version that is read. Null: none was completed yet, and nobody but its maker's screen knows of it.
  current_version text,
  deleted_at timestamptz,
  deleted_by text CHECK (char_length(deleted_by) BETWEEN 1 AND 64),
  -- What it is found by: words of its name and of the current version's text, without their places. The text itself
  -- is stored nowhere but sealed.
  name_terms tsvector NOT NULL DEFAULT '',
  text_terms tsvector NOT NULL DEFAULT '',
  terms tsvector NOT NULL GENERATED ALWAYS AS (name_terms || text_terms) STORED,
  CONSTRAINT documents_deleted CHECK ((deleted_at IS NULL) = (deleted_by IS NULL))
);
CREATE INDEX documents_owner ON {{schema}}.documents (owner_id, id);
CREATE INDEX documents_terms ON {{schema}}.documents USING gin (terms);
CREATE INDEX documents_deleted_at ON {{schema}}.documents (deleted_at) WHERE deleted_at IS NOT NULL;

-- A version, from the moment at which its upload begins: its size is taken from the quota then.
CREATE TABLE {{schema}}.document_versions (
  id text PRIMARY KEY CHECK (id ~ '^upl_[0-9a-z]{26}$'),
  -- Nothing here goes with what it refers to: whoever ends a document says so of each row, and of the object first.
  document_id text NOT NULL REFERENCES {{schema}}.documents (id),
  -- In the order of completion; null until then.
  number integer CHECK (number BETWEEN 1 AND 1000000),
  -- Plain bytes, as announced; what arrives has exactly so many. 1 GiB (core/documents/layout.ts).
  size_bytes bigint NOT NULL CHECK (size_bytes BETWEEN 0 AND 1073741824),
  -- What the uploader said it is; shown to nobody and believed by nothing.
  declared_type text NOT NULL CHECK (char_length(declared_type) BETWEEN 1 AND 127),
  -- What its bytes say it is, and whether a browser or an office program would run something in it.
  media_type text CHECK (char_length(media_type) BETWEEN 1 AND 127),
  active boolean,
  -- The bucket's name of the upload.
  upload text NOT NULL CHECK (length(upload) BETWEEN 1 AND 2048),
  created_by text NOT NULL CHECK (char_length(created_by) BETWEEN 1 AND 64),
  created_at timestamptz NOT NULL DEFAULT now(),
  completed_at timestamptz,
  UNIQUE (document_id, number),
  CONSTRAINT document_versions_completed CHECK (
    (number IS NULL) = (completed_at IS NULL) AND (number IS NULL) = (media_type IS NULL)
    AND (number IS NULL) = (active IS NULL))
);
CREATE INDEX document_versions_open ON {{schema}}.document_versions (created_at) WHERE number IS NULL;

-- Parts of uploads that have arrived; they go when the version is complete.
CREATE TABLE {{schema}}.document_parts (
  version_id text NOT NULL REFERENCES {{schema}}.document_versions (id),
  part integer NOT NULL CHECK (part BETWEEN 1 AND 128),
  etag text NOT NULL CHECK (length(etag) BETWEEN 1 AND 256),
  PRIMARY KEY (version_id, part)
);

CREATE TABLE {{schema}}.document_shares (
  id text PRIMARY KEY CHECK (id ~ '^shr_[0-9a-z]{26}$'),
  document_id text NOT NULL REFERENCES {{schema}}.documents (id),
  grantee_kind text NOT NULL CHECK (grantee_kind IN ('user', 'group', 'role')),
  -- The id of a person or a group, or a role's name. One that is gone is nobody: ids are never used again.
  grantee text NOT NULL CHECK (char_length(grantee) BETWEEN 1 AND 64),
  -- Null: until it is taken back.
  until timestamptz,
  created_by text NOT NULL CHECK (char_length(created_by) BETWEEN 1 AND 64),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (document_id, grantee_kind, grantee)
);
CREATE INDEX document_shares_grantee ON {{schema}}.document_shares (grantee_kind, grantee);

-- Documents that are shared with the analyst or viewer who asks. The wall clock: a transaction that is held open
-- must not keep a share alive. A policy of documents can't ask document_shares itself, whose own policy asks
-- documents: so this runs as the owner of the tables, who sees what the policies below say.
CREATE FUNCTION {{schema}}.scope_shared_documents() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET transform_null_equals = off
AS $$
  SELECT s.document_id FROM {{schema}}.document_shares s
  WHERE (SELECT {{schema}}.scope_role()) IN ('analyst', 'viewer')
    AND (s.until IS NULL OR s.until > clock_timestamp())
    AND ((s.grantee_kind = 'user' AND s.grantee = (SELECT {{schema}}.scope_user()))
      OR (s.grantee_kind = 'role' AND s.grantee = (SELECT {{schema}}.scope_role()))
      OR (s.grantee_kind = 'group' AND s.grantee IN (SELECT {{schema}}.scope_groups())))
$$;

-- Bytes of all documents, versions and uploads under way, for the quota: a count must not depend on who asks.
CREATE FUNCTION {{schema}}.document_bytes() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET transform_null_equals = off
AS $$ SELECT coalesce(sum(v.size_bytes), 0)::bigint FROM {{schema}}.document_versions v $$;

-- … and how many versions there are.
CREATE FUNCTION {{schema}}.document_count() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET transform_null_equals = off
AS $$ SELECT count(*) FROM {{schema}}.document_versions v $$;

REVOKE ALL ON FUNCTION {{schema}}.scope_shared_documents(), {{schema}}.document_bytes(), {{schema}}.document_count() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {{schema}}.scope_shared_documents(), {{schema}}.document_bytes(), {{schema}}.document_count() TO {{role}};

ALTER TABLE {{schema}}.documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.documents FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.document_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.document_versions FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.document_parts ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.document_parts FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.document_shares ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.document_shares FORCE ROW LEVEL SECURITY;

-- What the functions above are for, and all that the owner of the tables sees.
CREATE POLICY document_shares_of_scope ON {{schema}}.document_shares FOR SELECT TO CURRENT_USER
  USING ((SELECT {{schema}}.scope_role()) IN ('analyst', 'viewer'));
CREATE POLICY document_versions_of_sum ON {{schema}}.document_versions FOR SELECT TO CURRENT_USER
  USING ((SELECT {{schema}}.scope_role()) IS NOT NULL);

CREATE POLICY documents_read ON {{schema}}.documents FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly', 'system')
    OR ((SELECT {{schema}}.scope_role()) IN ('analyst', 'viewer')
      AND (owner_id = (SELECT {{schema}}.scope_user())
        OR (deleted_at IS NULL AND id IN (SELECT {{schema}}.scope_shared_documents())))));
CREATE POLICY documents_add ON {{schema}}.documents FOR INSERT TO {{role}}
  WITH CHECK ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'analyst')
    AND owner_id = (SELECT {{schema}}.scope_user()));
CREATE POLICY documents_change ON {{schema}}.documents FOR UPDATE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system')
    OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND owner_id = (SELECT {{schema}}.scope_user())));
-- Whoever may write it may give up one that never had a version; all else goes through the bin.
CREATE POLICY documents_end ON {{schema}}.documents FOR DELETE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system'
    OR (current_version IS NULL AND ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin')
      OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND owner_id = (SELECT {{schema}}.scope_user())))));

-- The policies of documents choose the rows of these: `d` is seen by whoever asks, or not at all.
CREATE POLICY document_versions_read ON {{schema}}.document_versions FOR SELECT TO {{role}}
  USING (EXISTS (SELECT FROM {{schema}}.documents d WHERE d.id = document_id));
CREATE POLICY document_versions_add ON {{schema}}.document_versions FOR INSERT TO {{role}}
  WITH CHECK (created_by = (SELECT {{schema}}.scope_user()) AND number IS NULL
    AND EXISTS (SELECT FROM {{schema}}.documents d WHERE d.id = document_id
      AND ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin')
        OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND d.owner_id = (SELECT {{schema}}.scope_user())))));
CREATE POLICY document_versions_change ON {{schema}}.document_versions FOR UPDATE TO {{role}}
  USING (EXISTS (SELECT FROM {{schema}}.documents d WHERE d.id = document_id
      AND ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system')
        OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND d.owner_id = (SELECT {{schema}}.scope_user())))));
CREATE POLICY document_versions_end ON {{schema}}.document_versions FOR DELETE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system'
    OR (number IS NULL AND EXISTS (SELECT FROM {{schema}}.documents d WHERE d.id = document_id
      AND ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin')
        OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND d.owner_id = (SELECT {{schema}}.scope_user()))))));

CREATE POLICY document_parts_write ON {{schema}}.document_parts FOR ALL TO {{role}}
  USING (EXISTS (SELECT FROM {{schema}}.document_versions v JOIN {{schema}}.documents d ON d.id = v.document_id
    WHERE v.id = version_id
      AND ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system')
        OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND d.owner_id = (SELECT {{schema}}.scope_user())))));

-- With whom a document is shared is for whoever may share it, and for readers of everything.
CREATE POLICY document_shares_read ON {{schema}}.document_shares FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly', 'system')
    OR ((SELECT {{schema}}.scope_role()) = 'analyst'
      AND EXISTS (SELECT FROM {{schema}}.documents d
        WHERE d.id = document_id AND d.owner_id = (SELECT {{schema}}.scope_user()))));
CREATE POLICY document_shares_add ON {{schema}}.document_shares FOR INSERT TO {{role}}
  WITH CHECK (created_by = (SELECT {{schema}}.scope_user())
    AND EXISTS (SELECT FROM {{schema}}.documents d WHERE d.id = document_id
      AND ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin')
        OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND d.owner_id = (SELECT {{schema}}.scope_user())))));
CREATE POLICY document_shares_change ON {{schema}}.document_shares FOR UPDATE TO {{role}}
  USING (EXISTS (SELECT FROM {{schema}}.documents d WHERE d.id = document_id
      AND ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin')
        OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND d.owner_id = (SELECT {{schema}}.scope_user())))));
CREATE POLICY document_shares_end ON {{schema}}.document_shares FOR DELETE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system')
    OR ((SELECT {{schema}}.scope_role()) = 'analyst'
      AND EXISTS (SELECT FROM {{schema}}.documents d
        WHERE d.id = document_id AND d.owner_id = (SELECT {{schema}}.scope_user()))));

-- Every row of them is in a backup (0006). Of `documents` without its key a backup could not be opened again.
CREATE POLICY backup_read ON {{schema}}.documents FOR SELECT TO CURRENT_USER, {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY backup_read ON {{schema}}.document_versions FOR SELECT TO CURRENT_USER, {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY backup_read ON {{schema}}.document_parts FOR SELECT TO CURRENT_USER, {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY backup_read ON {{schema}}.document_shares FOR SELECT TO CURRENT_USER, {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');

-- Only what is needed, by column where rows are changed: who made a document, its key, its size and its versions'
-- places never change.
GRANT SELECT, INSERT, DELETE ON {{schema}}.documents TO {{role}};
GRANT UPDATE (name, updated_at, current_version, deleted_at, deleted_by, name_terms, text_terms)
  ON {{schema}}.documents TO {{role}};
GRANT SELECT, INSERT, DELETE ON {{schema}}.document_versions TO {{role}};
GRANT UPDATE (number, media_type, active, completed_at) ON {{schema}}.document_versions TO {{role}};
GRANT SELECT, INSERT, DELETE ON {{schema}}.document_parts TO {{role}};
GRANT UPDATE (etag) ON {{schema}}.document_parts TO {{role}};
GRANT SELECT, INSERT, DELETE ON {{schema}}.document_shares TO {{role}};
GRANT UPDATE (until) ON {{schema}}.document_shares TO {{role}};

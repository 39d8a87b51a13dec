-- A ticket for a document's content (kind `document`): a browser shows it in place of a cookie, once.
ALTER TABLE control.ceremonies DROP CONSTRAINT ceremonies_kind_check;
ALTER TABLE control.ceremonies ADD CONSTRAINT ceremonies_kind_check CHECK (kind IN
  ('mfa', 'passkey_sign_in', 'passkey_registration', 'passkey_proof', 'outside_sign_in', 'link', 'document'));

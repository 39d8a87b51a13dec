-- How far an archive is goes by its bytes: many small documents and a large one are not done when the small ones are.
ALTER TABLE control.exports
  -- Of what is read, when it was asked for. Null: rows say how far it is.
  ADD COLUMN bytes_expected bigint CHECK (bytes_expected >= 0);

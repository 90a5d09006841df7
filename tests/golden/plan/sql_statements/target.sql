CREATE TABLE audit (id int); CREATE INDEX audit_id ON audit (id); ALTER TABLE users ADD COLUMN seen boolean; ALTER TABLE users DROP COLUMN note;

ALTER TABLE users RENAME name TO label; ALTER TABLE users ALTER amount TYPE bigint; CREATE INDEX i1 ON users (upper(label), amount) WHERE label <> '';

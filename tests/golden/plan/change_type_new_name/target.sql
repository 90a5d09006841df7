ALTER TABLE users RENAME amount TO total; ALTER TABLE users ALTER total TYPE bigint;

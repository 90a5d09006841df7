UPDATE users SET note = '' WHERE note IS NULL; ALTER TABLE users ALTER note SET NOT NULL;

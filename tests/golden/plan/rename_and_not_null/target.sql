UPDATE users SET note = '' WHERE note IS NULL; ALTER TABLE users RENAME note TO remark; ALTER TABLE users ALTER remark SET NOT NULL;

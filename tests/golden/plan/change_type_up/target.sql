ALTER TABLE users ALTER amount DROP DEFAULT; ALTER TABLE users ALTER amount TYPE text USING amount::text || ' eur'; ALTER TABLE users ALTER amount SET DEFAULT '0 eur';

ALTER TABLE users ADD letter text NOT NULL DEFAULT '', ADD rest text; ALTER TABLE users ALTER letter DROP DEFAULT; ALTER TABLE users DROP name;

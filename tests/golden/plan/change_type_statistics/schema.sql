CREATE TABLE users (id int PRIMARY KEY, amount int, kind text, other int);
CREATE STATISTICS users_ak (dependencies, mcv) ON amount, kind FROM users;
COMMENT ON STATISTICS users_ak IS 'they go together';
ALTER STATISTICS users_ak SET STATISTICS 500;
CREATE STATISTICS users_ko ON kind, other FROM users;
INSERT INTO users SELECT i, i % 7, 'k' || i % 7, i FROM generate_series(1, 100) i;

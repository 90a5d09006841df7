ALTER TABLE users ADD COLUMN new_amount bigint;
ALTER TABLE users DROP COLUMN amount;
ALTER TABLE users RENAME COLUMN new_amount TO amount;
ALTER TABLE users RENAME COLUMN kind TO sort;
CREATE STATISTICS users_ak (dependencies, mcv) ON amount, sort FROM users;
COMMENT ON STATISTICS users_ak IS 'they go together';
ALTER STATISTICS users_ak SET STATISTICS 500;

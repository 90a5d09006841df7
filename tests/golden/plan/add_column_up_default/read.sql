SELECT id, plan FROM users WHERE id IN (1, 2, 3, 4, 5, 30, 100, 101, 102) ORDER BY id

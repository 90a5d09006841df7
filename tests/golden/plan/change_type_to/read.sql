SELECT id, cents FROM users WHERE id IN (1, 2, 3, 100, 101) ORDER BY id

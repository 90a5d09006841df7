SELECT id, note FROM users WHERE id IN (1, 2, 3, 4, 99, 100) ORDER BY id

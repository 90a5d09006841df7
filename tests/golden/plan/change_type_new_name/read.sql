SELECT id, total FROM users WHERE id IN (1, 2) ORDER BY id

SELECT id, display_name, note FROM users WHERE id IN (1, 2, 3, 100, 101) ORDER BY id

INSERT INTO items (kind, qty) VALUES (2, 51); UPDATE items SET qty = qty + 100 WHERE id < 5; UPDATE items SET id = 500 WHERE id = 10

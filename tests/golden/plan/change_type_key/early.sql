INSERT INTO items (kind, qty) VALUES (1, 50)

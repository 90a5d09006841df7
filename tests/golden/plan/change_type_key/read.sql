WITH x AS (INSERT INTO items (kind) VALUES (1) RETURNING id, qty) SELECT (SELECT sum(id * 3 + qty) FROM items), id, qty FROM x

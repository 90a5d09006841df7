UPDATE m SET title = 'new' WHERE id = 3; INSERT INTO m (id, at, v, title, w) VALUES (101, '2021-02-02', 3, 'n', 0)

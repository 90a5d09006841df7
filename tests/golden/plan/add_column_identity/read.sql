WITH x AS (INSERT INTO users (id, name) VALUES (200, 'z') RETURNING serial_no) SELECT serial_no FROM x

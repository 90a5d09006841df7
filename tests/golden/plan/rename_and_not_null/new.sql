INSERT INTO users (id, name, remark) VALUES (101, 'n', 'said'); INSERT INTO users (id, name) VALUES (102, 'n')

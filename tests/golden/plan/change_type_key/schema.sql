CREATE TABLE kinds (id int PRIMARY KEY); INSERT INTO kinds VALUES (1), (2);
CREATE TABLE items (id serial, kind int NOT NULL REFERENCES kinds, qty int NOT NULL DEFAULT 3 CONSTRAINT some_left CHECK (qty > 0), CONSTRAINT items_pk PRIMARY KEY (id));
CREATE UNIQUE INDEX items_qty ON items ((qty % 1000), id DESC) WHERE qty < 900;
ALTER TABLE items ADD CONSTRAINT items_u UNIQUE (kind, id);
ALTER TABLE items CLUSTER ON items_pk; COMMENT ON CONSTRAINT items_pk ON items IS 'key'; COMMENT ON INDEX items_qty IS 'q'; COMMENT ON COLUMN items.id IS 'the id';
CREATE VIEW v AS SELECT id, qty FROM items;
INSERT INTO items (kind, qty) SELECT 1 + i % 2, i FROM generate_series(1, 30) i;

DROP VIEW v; ALTER TABLE items ALTER id TYPE bigint, ALTER kind TYPE bigint, ALTER qty TYPE bigint; ALTER SEQUENCE items_id_seq AS bigint; CREATE VIEW v AS SELECT id, qty FROM items;

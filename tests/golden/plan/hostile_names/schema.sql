CREATE TABLE "Sel""ect; drop table x --" ("or der" int PRIMARY KEY, "new" text NOT NULL, "$1" int NOT NULL DEFAULT 1, "Größe" int);
CREATE INDEX "i""x" ON "Sel""ect; drop table x --" ("new");
INSERT INTO "Sel""ect; drop table x --" SELECT i, $$v$$ || i, i, i FROM generate_series(1, 20) i;

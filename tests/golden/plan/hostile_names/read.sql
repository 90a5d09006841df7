SELECT * FROM "Sel""ect; drop table x --" WHERE "or der" < 3 ORDER BY 1

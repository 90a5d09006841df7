UPDATE "Sel""ect; drop table x --" SET "old""; --" = $$neu$$ WHERE "or der" = 1

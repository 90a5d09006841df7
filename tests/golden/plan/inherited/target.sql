ALTER TABLE p RENAME name TO title;

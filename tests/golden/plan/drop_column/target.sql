ALTER TABLE users DROP note;

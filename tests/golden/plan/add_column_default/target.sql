ALTER TABLE users ADD COLUMN kind varchar(8) NOT NULL DEFAULT 'basic' CONSTRAINT kind_known CHECK (kind IN ('basic', 'pro'));

INSERT INTO t (v) VALUES ('later')

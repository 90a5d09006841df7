ALTER TABLE m RENAME label TO title; ALTER TABLE m ADD w int NOT NULL DEFAULT 0; ALTER TABLE m ALTER w DROP DEFAULT;
CREATE INDEX m_w ON ONLY m (w); CREATE INDEX m_old_m_w ON m_old (w); CREATE INDEX m_new_m_w ON ONLY m_new (w); CREATE INDEX m_new_odd_m_w ON m_new_odd (w); CREATE INDEX m_new_rest_m_w ON m_new_rest (w);
ALTER INDEX m_new_m_w ATTACH PARTITION m_new_odd_m_w; ALTER INDEX m_new_m_w ATTACH PARTITION m_new_rest_m_w; ALTER INDEX m_w ATTACH PARTITION m_old_m_w; ALTER INDEX m_w ATTACH PARTITION m_new_m_w;

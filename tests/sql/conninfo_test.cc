#include "dbcore/sql/conninfo.h"

#include <gtest/gtest.h>

namespace lockkeeper::sql {
namespace {

TEST(Conninfo, a_uri_becomes_parameters_and_a_password_apart) {
  const auto endpoint = parse_conninfo(
      "postgresql://op:p%40ss@db.example:5433/shop?sslmode=require", ConninfoSource::secret);
  ASSERT_TRUE(endpoint.ok()) << endpoint.error().text();
  EXPECT_EQ(endpoint->password, "p@ss");
  EXPECT_EQ(endpoint->parameters.at("host"), "db.example");
  EXPECT_EQ(endpoint->parameters.at("port"), "5433");
  EXPECT_EQ(endpoint->parameters.at("user"), "op");
  EXPECT_EQ(endpoint->parameters.at("dbname"), "shop");
  EXPECT_EQ(endpoint->parameters.at("sslmode"), "require");
  EXPECT_FALSE(endpoint->parameters.contains("password"));
}

TEST(Conninfo, keys_and_values_do_as_well) {
  const auto endpoint = parse_conninfo("host=db user=op dbname=shop", ConninfoSource::secret);
  ASSERT_TRUE(endpoint.ok());
  EXPECT_EQ(endpoint->parameters.size(), 3U);
}

TEST(Conninfo, a_secret_may_not_name_files_services_or_server_options) {
  for (const char* key : {"passfile", "service", "sslkey", "sslcert", "sslrootcert", "options",
                          "krbsrvname", "requirepeer"}) {
    const auto endpoint = parse_conninfo(
        std::string("postgresql://op:s3cr3t@db/shop?") + key + "=x", ConninfoSource::secret);
    ASSERT_FALSE(endpoint.ok()) << key;
    EXPECT_EQ(endpoint.error().reason, "InvalidConnection");
    EXPECT_EQ(endpoint.error().text().find("s3cr3t"), std::string::npos);
  }
}

TEST(Conninfo, a_person_may_name_certificates) {
  EXPECT_TRUE(parse_conninfo("postgresql://op@db/shop?sslrootcert=/etc/ca.crt",
                             ConninfoSource::command_line)
                  .ok());
  EXPECT_FALSE(
      parse_conninfo("postgresql://op@db/shop?passfile=/x", ConninfoSource::command_line).ok());
}

TEST(Conninfo, what_does_not_parse_is_never_repeated) {
  for (const std::string text :
       {"postgresql://op:s3cr3t@[db/shop", "s3cr3t", "postgresql://op:s3cr3t@db/shop?s3cr3t",
        "host='s3cr3t", "postgresql://op:%zz-s3cr3t@db/shop"}) {
    const auto endpoint = parse_conninfo(text, ConninfoSource::secret);
    ASSERT_FALSE(endpoint.ok()) << text;
    EXPECT_EQ(endpoint.error().text().find("s3cr3t"), std::string::npos) << endpoint.error().text();
  }
  EXPECT_FALSE(
      parse_conninfo(std::string_view("host=db\0 user=x", 15), ConninfoSource::secret).ok());
}

}  // namespace
}  // namespace lockkeeper::sql

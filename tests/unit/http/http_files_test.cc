#include "server/http_files.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace bitbudget::server {
namespace {

namespace fs = std::filesystem;

class HttpFiles : public ::testing::Test {
 protected:
  HttpFiles() {
    std::string pattern = (fs::temp_directory_path() / "bitbudget-files-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    directory_ = pattern;
    Write("secret.txt", "secret");
    Write("dist/index.html", "start");
    Write("dist/icon.svg", "<svg/>");
    Write("dist/.env", "hidden");
    Write("dist/assets/app-1a2b.js", "code");
  }
  ~HttpFiles() override { fs::remove_all(directory_); }

  void Write(const std::string& name, const std::string& content) {
    const fs::path file = directory_ / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << content;
  }
  // What is found; "none" if nothing is.
  std::string Content(std::string_view path, bool is_navigation = false) const {
    const auto file = files().Find(path, is_navigation);
    return file ? file->content : "none";
  }
  StaticFiles files() const { return StaticFiles(directory_ / "dist"); }

  fs::path directory_;
};

TEST_F(HttpFiles, AreFoundByPath) {
  EXPECT_EQ(Content("/"), "start");
  EXPECT_EQ(Content("/index.html"), "start");
  EXPECT_EQ(Content("/assets/app-1a2b.js"), "code");
}

TEST_F(HttpFiles, OutsideTheRootAreNot) {
  fs::create_symlink(directory_ / "secret.txt", directory_ / "dist/link.txt");
  for (const std::string_view path : {std::string_view("/../secret.txt"),
                                      std::string_view("/assets/../../secret.txt"),
                                      std::string_view("/..\\secret.txt"),
                                      std::string_view("//../secret.txt"),
                                      std::string_view("/.env"),
                                      std::string_view("/./index.html"),
                                      std::string_view("/index.html\0.js", 15),
                                      std::string_view("/link.txt"),
                                      std::string_view("/assets"),
                                      std::string_view("secret.txt"),
                                      std::string_view("")}) {
    EXPECT_EQ(Content(path), "none") << path;
  }
  EXPECT_EQ(Content(directory_.string() + "/secret.txt"), "none");
}

TEST_F(HttpFiles, LeadPeopleToTheStartPage) {
  EXPECT_EQ(Content("/plan", /*is_navigation=*/true), "start");
  EXPECT_EQ(Content("/studies/micro/law", /*is_navigation=*/true), "start");
  EXPECT_EQ(Content("/plan", /*is_navigation=*/false), "none");
  EXPECT_EQ(Content("/assets/gone-3c4d.js", /*is_navigation=*/true), "none");
}

TEST_F(HttpFiles, ThatAreHashedAreKeptForEver) {
  EXPECT_EQ(files().Find("/assets/app-1a2b.js", false)->cache_control,
            "public, max-age=31536000, immutable");
  EXPECT_EQ(files().Find("/", false)->cache_control, "no-cache");
  EXPECT_EQ(files().Find("/icon.svg", false)->cache_control, "no-cache");
}

TEST_F(HttpFiles, HaveAnotherTagOnceTheyChange) {
  const std::string before = files().Find("/", false)->etag;
  EXPECT_EQ(files().Find("/", false)->etag, before);
  Write("dist/index.html", "another start");
  EXPECT_NE(files().Find("/", false)->etag, before);
}

TEST_F(HttpFiles, HaveTheTypeOfTheirName) {
  EXPECT_EQ(ContentTypeOfFile("a/index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(ContentTypeOfFile("a.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(ContentTypeOfFile("a.css"), "text/css; charset=utf-8");
  EXPECT_EQ(ContentTypeOfFile("a.svg"), "image/svg+xml");
  EXPECT_EQ(ContentTypeOfFile("a.woff2"), "font/woff2");
  EXPECT_EQ(ContentTypeOfFile("a.unheard"), "application/octet-stream");
}

TEST_F(HttpFiles, NeedNotBeThere) {
  const StaticFiles none(directory_ / "nowhere");
  EXPECT_FALSE(none.IsBuilt());
  EXPECT_FALSE(none.Find("/", true).has_value());
  EXPECT_TRUE(files().IsBuilt());
}

}  // namespace
}  // namespace bitbudget::server

// The files of the dashboard. Read at each request, so that a new build shows at once.
// Thread-safe.

#ifndef BITBUDGET_SERVER_HTTP_FILES_H_
#define BITBUDGET_SERVER_HTTP_FILES_H_

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace bitbudget::server {

struct StaticFile {
  std::string content;
  std::string_view content_type;
  std::string_view cache_control;
  std::string etag;
};

class StaticFiles {
 public:
  // `root` need not exist.
  explicit StaticFiles(std::filesystem::path root) : root_(std::move(root)) {}

  // True if there is a start page.
  bool IsBuilt() const;

  // The file at the (decoded) path of a URL; nullopt if there is none below the root.
  // `is_navigation`: a person goes there; a path that names no file leads to the start
  // page, whose own router knows it.
  std::optional<StaticFile> Find(std::string_view path, bool is_navigation) const;

 private:
  const std::filesystem::path root_;
};

// By the ending of the name: "text/html; charset=utf-8".
std::string_view ContentTypeOfFile(const std::filesystem::path& file);

// What is shown where the dashboard was not built.
std::string NotBuiltPage(const std::filesystem::path& root);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_HTTP_FILES_H_

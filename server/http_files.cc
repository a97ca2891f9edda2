#include "server/http_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace bitbudget::server {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIndex = "index.html";
// Names below hold a hash of the content, so that they never change.
constexpr std::string_view kHashedFolder = "/assets/";
constexpr std::string_view kForEver = "public, max-age=31536000, immutable";
constexpr std::string_view kAskAgain = "no-cache";

constexpr auto kContentTypes = std::to_array<std::pair<std::string_view, std::string_view>>({
    {".css", "text/css; charset=utf-8"},
    {".csv", "text/csv; charset=utf-8"},
    {".html", "text/html; charset=utf-8"},
    {".ico", "image/x-icon"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".png", "image/png"},
    {".svg", "image/svg+xml"},
    {".txt", "text/plain; charset=utf-8"},
    {".wasm", "application/wasm"},
    {".webmanifest", "application/manifest+json"},
    {".woff2", "font/woff2"},
});

// Whether each part of a path is a plain name: none is hidden, leads upwards or is one
// that a file system reads in its own way.
bool IsPlain(std::string_view path) {
  if (!path.starts_with('/') || path.find('\\') != std::string_view::npos ||
      path.find('\0') != std::string_view::npos) {
    return false;
  }
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    if (path.starts_with('.')) return false;
    path.remove_prefix(std::min(path.find('/'), path.size()));
  }
  return true;
}

// Whether `file` exists below `root` once all links are followed.
bool IsFileBelow(const fs::path& root, const fs::path& file) {
  std::error_code error;
  const fs::path real_root = fs::canonical(root, error);
  if (error) return false;
  const fs::path real = fs::canonical(file, error);
  if (error || !fs::is_regular_file(real, error)) return false;
  return std::mismatch(real_root.begin(), real_root.end(), real.begin(), real.end()).first ==
         real_root.end();
}

std::string EtagOf(const fs::path& file) {
  std::error_code ignored;
  const auto changed = fs::last_write_time(file, ignored).time_since_epoch().count();
  return fmt::format("\"{:x}-{:x}\"", fs::file_size(file, ignored), static_cast<uint64_t>(changed));
}

std::optional<StaticFile> ReadFile(const fs::path& file, std::string_view cache_control) {
  std::string etag = EtagOf(file);
  std::ifstream input(file, std::ios::binary);
  std::ostringstream content;
  content << input.rdbuf();
  if (!input) return std::nullopt;
  return StaticFile{.content = std::move(content).str(),
                    .content_type = ContentTypeOfFile(file),
                    .cache_control = cache_control,
                    .etag = std::move(etag)};
}

}  // namespace

bool StaticFiles::IsBuilt() const {
  std::error_code error;
  return fs::is_regular_file(root_ / kIndex, error);
}

std::optional<StaticFile> StaticFiles::Find(std::string_view path, bool is_navigation) const {
  if (!IsPlain(path)) return std::nullopt;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (!name.empty()) {
    const fs::path file = root_ / path.substr(1);
    if (IsFileBelow(root_, file)) {
      return ReadFile(file, path.starts_with(kHashedFolder) ? kForEver : kAskAgain);
    }
  }
  const bool is_page = path == "/" || (is_navigation && name.find('.') == std::string_view::npos);
  if (!is_page || !IsFileBelow(root_, root_ / kIndex)) return std::nullopt;
  return ReadFile(root_ / kIndex, kAskAgain);
}

std::string_view ContentTypeOfFile(const fs::path& file) {
  const std::string ending = file.extension().string();
  const auto row = std::find_if(kContentTypes.begin(),
                                kContentTypes.end(),
                                [&ending](const auto& type) { return type.first == ending; });
  return row == kContentTypes.end() ? "application/octet-stream" : row->second;
}

std::string NotBuiltPage(const fs::path& root) {
  return fmt::format(R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>bitbudget</title>
<style>
  :root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
  main {{ max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }}
</style>
<main>
<h1>The dashboard is not built</h1>
<p>The server runs, and this port answers calls and metrics. The dashboard's files are not at
<code>{}</code>. Build them with</p>
<pre>cd dashboard && npm ci && npm run build</pre>
<p>and load this page again, or start the server with <code>--dashboard DIR</code>.</p>
<p><a href="/healthz">/healthz</a> <a href="/metrics">/metrics</a></p>
</main>
)",
                     root.string());
}

}  // namespace bitbudget::server

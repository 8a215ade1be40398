#include "converter/calibration_files.h"

#include <gtest/gtest.h>

#include "tests/converter/temp_folder.h"

namespace qrun::converter {
namespace {

using Kind = CalibrationFiles::Kind;
using Paths = std::vector<std::string>;

TEST(FindCalibrationFiles, ListsImagesOfAFolderRecursivelyAndSorted) {
  const TempFolder folder;
  folder.Write("b.PNG", "");
  folder.Write("deep/er/a.jpeg", "");
  folder.Write("a.jpg", "");
  folder.Write("notes.txt", "");
  folder.Write("array.npy", "");
  const auto files = FindCalibrationFiles(folder.path());
  ASSERT_TRUE(files.ok()) << files.error().message();
  EXPECT_EQ(files->kind, Kind::kImages);
  EXPECT_EQ(files->paths, (Paths{folder.File("a.jpg"), folder.File("b.PNG"), folder.File("deep/er/a.jpeg")}));
}

TEST(FindCalibrationFiles, TakesArraysOfAFolderWithoutImages) {
  const TempFolder folder;
  folder.Write("2.npy", "");
  folder.Write("1.npy", "");
  const auto files = FindCalibrationFiles(folder.path());
  ASSERT_TRUE(files.ok());
  EXPECT_EQ(files->kind, Kind::kArrays);
  EXPECT_EQ(files->paths, (Paths{folder.File("1.npy"), folder.File("2.npy")}));
}

TEST(FindCalibrationFiles, ReadsListsRelativeToTheirFolder) {
  const TempFolder folder;
  const Paths expected = {folder.File("x/1.jpg"), folder.File("a, b.png")};
  for (const char* header : {"", "filename,class_index\n", "filename\r\n"}) {
    const std::string list = folder.Write("list.csv", std::string(header) + "x/1.jpg,7\r\n\n\"a, b.png\",8");
    const auto files = FindCalibrationFiles(list);
    ASSERT_TRUE(files.ok()) << files.error().message();
    EXPECT_EQ(files->kind, Kind::kImages);
    EXPECT_EQ(files->paths, expected) << header;
  }
}

TEST(FindCalibrationFiles, KeepsAbsolutePathsOfAList) {
  const TempFolder folder;
  const auto files = FindCalibrationFiles(folder.Write("list.csv", "/somewhere/else.png\n"));
  ASSERT_TRUE(files.ok());
  EXPECT_EQ(files->paths, (Paths{"/somewhere/else.png"}));
}

TEST(FindCalibrationFiles, ExplainsWhatItCannotUse) {
  const TempFolder folder;
  const auto message = [](const std::string& path) {
    const auto files = FindCalibrationFiles(path);
    EXPECT_FALSE(files.ok()) << path;
    return files.ok() ? "" : files.error().message();
  };
  std::filesystem::create_directory(folder.File("empty"));
  EXPECT_NE(message(folder.File("empty")).find("holds no PNG, JPEG or .npy"), std::string::npos);
  EXPECT_NE(message(folder.File("absent")).find("absent"), std::string::npos);
  EXPECT_NE(message(folder.Write("data.tfrecord", "")).find("expected a folder"), std::string::npos);
  EXPECT_NE(message(folder.Write("header.csv", "filename\n")).find("names no image"), std::string::npos);
}

}  // namespace
}  // namespace qrun::converter

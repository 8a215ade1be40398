#include "converter/label_list.h"

#include <gtest/gtest.h>

#include "tests/converter/temp_folder.h"

namespace qrun::converter {
namespace {

class LabelListTest : public ::testing::Test {
 protected:
  Result<LabelList> Read(const std::string& text, const std::string& root = "") {
    folder_.Write("list.csv", text);
    return ReadLabelList(folder_.File("list.csv"), root);
  }
  // The message of the error that `text` must give.
  std::string Error(const std::string& text) {
    const auto list = Read(text);
    EXPECT_FALSE(list.ok()) << text;
    return list.ok() ? "" : list.error().message();
  }
  TempFolder folder_;
};

TEST_F(LabelListTest, ReadsNamesAndLabels) {
  const auto list = Read("filename,class_index\na.jpg,3\r\n\n\"b, \"\"c\"\".png\", 0\nd/e.png,12");
  ASSERT_TRUE(list.ok()) << list.error().message();
  ASSERT_EQ(list->files.size(), 3u);
  EXPECT_TRUE(list->labelled);
  EXPECT_EQ(list->files[0].name, "a.jpg");
  EXPECT_EQ(list->files[0].path, folder_.File("a.jpg"));
  EXPECT_EQ(list->files[0].label, 3);
  EXPECT_EQ(list->files[1].name, "b, \"c\".png");
  EXPECT_EQ(list->files[1].label, 0);
  EXPECT_EQ(list->files[2].label, 12);
  EXPECT_EQ(list->files[2].line, 5);
}

TEST_F(LabelListTest, TheHeaderIsOptionalAndTheRootMayBeElsewhere) {
  const auto list = Read("\xEF\xBB\xBFx.png,1\n", "/data/images");
  ASSERT_TRUE(list.ok()) << list.error().message();
  ASSERT_EQ(list->files.size(), 1u);
  EXPECT_EQ(list->files[0].path, "/data/images/x.png");
  EXPECT_EQ(Read("image,label\nx.png,1\n")->files.size(), 1u);
}

TEST_F(LabelListTest, LabelsMayBeAbsentFromAllLines) {
  const auto list = Read("filename\nx.png\ny.png\n");
  ASSERT_TRUE(list.ok()) << list.error().message();
  EXPECT_FALSE(list->labelled);
  EXPECT_EQ(list->files[1].label, -1);
}

TEST_F(LabelListTest, ErrorsNameTheLine) {
  EXPECT_NE(Error("a.png,1\nb.png,cat\n").find("line 2: 'cat' is no class index"), std::string::npos);
  EXPECT_NE(Error("a.png,1\nb.png,-1\n").find("line 2: '-1' is no class index"), std::string::npos);
  EXPECT_NE(Error("a.png,1\nb.png,99999999999\n").find("line 2"), std::string::npos);
  EXPECT_NE(Error("a.png,1\nb.png,\n").find("line 2: '' is no class index"), std::string::npos);
  EXPECT_NE(Error("a.png,1\nb.png\n").find("line 2: the class index is missing"), std::string::npos);
  EXPECT_NE(Error("a.png\nb.png,2\n").find("line 2: has a class index"), std::string::npos);
  EXPECT_NE(Error("a.png,1\nb.png,2,3\n").find("line 2: 3 fields"), std::string::npos);
  EXPECT_NE(Error("a.png,1\n,2\n").find("line 2: the file name is empty"), std::string::npos);
  EXPECT_NE(Error("").find("names no file"), std::string::npos);
  EXPECT_NE(Error("filename,class_index\n").find("names no file"), std::string::npos);
  EXPECT_NE(Error(std::string("a\0b,1\n", 6)).find("is no text"), std::string::npos);
}

TEST_F(LabelListTest, AMissingListIsAnIoError) {
  const auto list = ReadLabelList(folder_.File("absent.csv"), "");
  ASSERT_FALSE(list.ok());
  EXPECT_EQ(list.error().code(), StatusCode::kIo);
  EXPECT_NE(list.error().message().find("absent.csv"), std::string::npos);
}

TEST_F(LabelListTest, TheHashIsOfTheBytes) {
  EXPECT_EQ(Read("a.png,1\n")->sha256, Read("a.png,1\n")->sha256);
  EXPECT_NE(Read("a.png,1\n")->sha256, Read("a.png,2\n")->sha256);
}

}  // namespace
}  // namespace qrun::converter

"""The provider `every8d`. Source: 簡訊 API2.1 規格書, version 2.2 (2025/11/14)."""

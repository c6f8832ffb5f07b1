"""The words a simulated catalog is made of, in English and Chinese."""

# Department (en, zh) → its categories: (en, zh), median price, and how often it is bought again (0–1).
DEPARTMENTS: dict[tuple[str, str], list[tuple[str, str, float, float]]] = {
    ("Grocery", "食品杂货"): [
        ("Coffee", "咖啡", 9.0, 0.9),
        ("Tea", "茶叶", 7.0, 0.8),
        ("Chocolate", "巧克力", 4.0, 0.9),
        ("Noodles", "面条", 3.0, 0.9),
        ("Rice", "大米", 6.0, 0.9),
        ("Olive oil", "橄榄油", 11.0, 0.7),
        ("Nuts", "坚果", 6.0, 0.8),
        ("Honey", "蜂蜜", 8.0, 0.6),
    ],
    ("Beauty", "美妆"): [
        ("Face cream", "面霜", 19.0, 0.6),
        ("Shampoo", "洗发水", 8.0, 0.8),
        ("Lipstick", "口红", 15.0, 0.4),
        ("Perfume", "香水", 45.0, 0.2),
        ("Sunscreen", "防晒霜", 14.0, 0.5),
        ("Hand soap", "洗手液", 5.0, 0.8),
    ],
    ("Home", "家居"): [
        ("Candle", "香薰蜡烛", 12.0, 0.4),
        ("Towel", "毛巾", 10.0, 0.3),
        ("Mug", "马克杯", 9.0, 0.2),
        ("Cushion", "抱枕", 18.0, 0.1),
        ("Lamp", "台灯", 35.0, 0.05),
        ("Storage box", "收纳盒", 11.0, 0.2),
    ],
    ("Kitchen", "厨房"): [
        ("Frying pan", "煎锅", 29.0, 0.05),
        ("Knife", "菜刀", 24.0, 0.05),
        ("Lunch box", "饭盒", 13.0, 0.1),
        ("Water bottle", "水杯", 15.0, 0.1),
        ("Cutting board", "砧板", 16.0, 0.05),
    ],
    ("Fashion", "服饰"): [
        ("T-shirt", "T恤", 16.0, 0.3),
        ("Socks", "袜子", 6.0, 0.5),
        ("Sweater", "毛衣", 39.0, 0.15),
        ("Backpack", "双肩包", 49.0, 0.05),
        ("Sneakers", "运动鞋", 65.0, 0.1),
        ("Scarf", "围巾", 19.0, 0.1),
    ],
    ("Electronics", "数码"): [
        ("Headphones", "耳机", 59.0, 0.05),
        ("Phone case", "手机壳", 12.0, 0.2),
        ("Charger", "充电器", 19.0, 0.1),
        ("Speaker", "音箱", 49.0, 0.03),
        ("Keyboard", "键盘", 45.0, 0.03),
    ],
    ("Toys", "玩具"): [
        ("Puzzle", "拼图", 14.0, 0.2),
        ("Plush toy", "毛绒玩具", 16.0, 0.15),
        ("Board game", "桌游", 27.0, 0.15),
        ("Building blocks", "积木", 32.0, 0.2),
    ],
    ("Pets", "宠物"): [
        ("Cat food", "猫粮", 18.0, 0.95),
        ("Dog food", "狗粮", 24.0, 0.95),
        ("Cat litter", "猫砂", 11.0, 0.95),
        ("Pet toy", "宠物玩具", 7.0, 0.4),
    ],
    ("Stationery", "文具"): [
        ("Notebook", "笔记本", 6.0, 0.4),
        ("Pen", "钢笔", 9.0, 0.3),
        ("Greeting card", "贺卡", 3.0, 0.5),
        ("Calendar", "日历", 11.0, 0.1),
    ],
}

STYLES: list[tuple[str, str]] = [
    ("Classic", "经典"),
    ("Organic", "有机"),
    ("Premium", "高端"),
    ("Mini", "迷你"),
    ("Family", "家庭装"),
    ("Soft", "柔软"),
    ("Bright", "亮色"),
    ("Pure", "纯净"),
    ("Travel", "旅行装"),
    ("Festive", "节日"),
    ("Light", "轻巧"),
    ("Handmade", "手工"),
]
COLORS: list[tuple[str, str]] = [
    ("black", "黑色"),
    ("white", "白色"),
    ("blue", "蓝色"),
    ("green", "绿色"),
    ("red", "红色"),
    ("natural", "原色"),
]
SIZES: list[tuple[str, str]] = [("S", "小号"), ("M", "中号"), ("L", "大号")]
BRAND_STARTS = (
    "Al",
    "Bo",
    "Ce",
    "Da",
    "El",
    "Fi",
    "Go",
    "Ha",
    "Is",
    "Ju",
    "Ka",
    "Lu",
    "Mi",
    "No",
    "Or",
    "Pa",
)
BRAND_ENDS = ("nova", "rell", "bin", "mont", "sa", "wood", "tia", "fern", "lo", "ridge", "vik", "zen")
SEGMENTS: list[tuple[str, str]] = [
    ("regulars", "常客"),
    ("bargain hunters", "比价型"),
    ("enthusiasts", "爱好者"),
    ("occasional", "偶尔购买"),
    ("gift givers", "送礼型"),
]

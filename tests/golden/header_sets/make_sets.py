"""Writes the ten header sets beside this file; the seed is fixed, so a second run writes the same bytes.

All people, addresses, accounts and documents are made up: e-mail domains, IP addresses and phone numbers are
from ranges kept for examples where such ranges exist.
"""

import csv
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Row = dict[str, Any]
START = datetime(2024, 3, 4, 7, 30, tzinfo=UTC)
FIRST = ["Anna", "Luca", "Maja", "Tom", "Elif", "Jean", "Sofia", "Piotr", "Nora", "Ben", "Ines", "Otto"]
LAST = ["Berger", "Rossi", "Novak", "Hughes", "Demir", "Moreau", "Lindt", "Kowalski", "Dahl", "Weiss"]
STREETS = ["Lindenstr.", "High Street", "Rue du Port", "Via Roma", "Kerkweg", "Mill Lane"]
GOODS = [
    ("Oak Shelf 80 cm", "Furniture", 89.0),
    ("Desk Lamp Arc", "Lighting", 34.5),
    ("Linen Cushion", "Textiles", 19.9),
    ("Steel Kettle 1.7 l", "Kitchen", 42.0),
    ("Wool Throw", "Textiles", 59.0),
    ("Ceramic Mug Set", "Kitchen", 24.0),
    ("Dining Table Ash", "Furniture", 1249.0),
    ("LED Strip 5 m", "Lighting", 27.9),
]
CN_SURNAMES = "王李张刘陈杨赵黄周吴"
CN_GIVEN = ["伟", "芳", "秀英", "敏", "静", "强", "磊", "洋", "艳", "杰", "晓明", "雨欣"]
CN_CITIES = [
    ("浙江省", "杭州市"),
    ("广东省", "深圳市"),
    ("四川省", "成都市"),
    ("江苏省", "南京市"),
    ("上海", "上海市"),
]
CN_DISTRICTS = ["西湖区", "高新区", "新城区"]
CN_CLAIMS = ["简约设计,适合小户型", "环保材质,经久耐用", "七天无理由退换"]


def moment_after(rng: random.Random, start: datetime, hours: float) -> datetime:
    return start + timedelta(seconds=rng.randint(60, int(hours * 3600)))


def european(amount: float) -> str:
    return f"{amount:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".")


def gtin13(rng: random.Random, prefix: str = "400") -> str:
    body = prefix + "".join(str(rng.randint(0, 9)) for _ in range(9))
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return body + str(-total % 10)


def iban(rng: random.Random) -> str:
    account = "00000000" + f"{rng.randint(0, 10**10 - 1):010d}"
    return f"DE{98 - int(account + '131400') % 97:02d}{account}"


def chinese_document(rng: random.Random, born: datetime) -> str:
    """Eighteen digits with a right check digit, from a region (99) that does not exist."""
    body = f"9901{rng.randint(1, 20):02d}{born:%Y%m%d}{rng.randint(1, 999):03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


def chinese_name(rng: random.Random) -> str:
    return rng.choice(CN_SURNAMES) + rng.choice(CN_GIVEN)


def chinese_phone(rng: random.Random) -> str:
    return f"{rng.choice(['138', '159', '186'])}0000{rng.randint(0, 9999):04d}"


def erp_order_lines(rng: random.Random) -> Iterator[Row]:
    number = 450210
    while number < 450228:
        number += 1
        ordered = START + timedelta(days=number - 450210, hours=rng.randint(0, 9))
        customer, warehouse = f"K{rng.randint(10020, 10055)}", rng.choice(["W01", "W02"])
        for position in range(1, rng.randint(2, 4)):
            item = rng.randrange(len(GOODS))
            title, _, price = GOODS[item]
            quantity = rng.choice([1, 1, 2, 3, 6, 12])
            total = round(quantity * price, 2)
            first = round(total * rng.choice([0, 0, 0.05, 0.1]), 2)
            second = round(total * rng.choice([0, 0, 0, 0.03]), 2)
            net = round(total - first - second, 2)
            yield {
                "Ord No": number,
                "Pos": position * 10,
                "Ord. Date": f"{ordered:%d.%m.%Y}",
                "Req. Deliv.": f"{ordered + timedelta(days=rng.randint(3, 14)):%d.%m.%Y}",
                "Cust. ID": customer,
                "Item No": f"{7000 + item * 13}-{item:02d}",
                "Description 1": title,
                "Qty": f"{quantity},000",
                "UoM": "PC",
                "Price/Unit": european(price),
                "Total": european(total),
                "Disc. 1": european(first),
                "Disc. 2": european(second),
                "Net": european(net),
                "VAT Amt": european(round(net * 0.19, 2)),
                "Std Cost": european(round(price * 0.55, 2)),
                "Whse": warehouse,
                "Rep": rng.choice(["MK", "TS", "JB"]),
                "Posted": rng.choice("YYYN"),
            }


def own_shop_orders(rng: random.Random) -> Iterator[Row]:
    for number in range(48):
        placed = moment_after(rng, START + timedelta(hours=7 * number), 7)
        goods = round(rng.uniform(15, 320), 2)
        voucher = rng.choice(["", "", "", "SPRING10", "HELLO5"])
        cut = round(goods * 0.1, 2) if voucher == "SPRING10" else 5.0 if voucher else 0.0
        ship = 0.0 if goods > 80 else 4.9
        vat = round((goods - cut + ship) * 0.2, 2)
        grand = round(goods - cut + ship + vat, 2)
        state = rng.choice(["NEW", "PAID", "DISPATCHED", "DONE", "DONE", "CANCELLED"])
        paid = state not in {"NEW", "CANCELLED"}
        person = rng.randrange(30)
        yield {
            "id": 900133 + number * 3,
            "customerRef": "" if rng.random() < 0.2 else f"u_{person:05d}",
            "contact": f"{FIRST[person % 12]}.{LAST[person % 10]}{person}@example.com".lower(),
            "placedAt": f"{placed:%Y-%m-%dT%H:%M:%SZ}",
            "settledAt": f"{placed + timedelta(minutes=rng.randint(1, 90)):%Y-%m-%dT%H:%M:%SZ}"
            if paid
            else "",
            "lastTouched": f"{moment_after(rng, placed, 200):%Y-%m-%dT%H:%M:%SZ}",
            "state": state,
            "shipStatus": {"DISPATCHED": "in_transit", "DONE": "delivered"}.get(state, "not_packed"),
            "goodsTotal": f"{goods:.2f}",
            "promoCut": f"{cut:.2f}",
            "voucher": voucher,
            "shipFee": f"{ship:.2f}",
            "vat": f"{vat:.2f}",
            "grandTotal": f"{grand:.2f}",
            "pspFee": f"{grand * 0.019 + 0.3:.2f}" if paid else "0.00",
            "ccy": rng.choice(["EUR", "EUR", "GBP"]),
            "via": rng.choice(["web", "ios", "android", "pos"]),
            "shipTo": rng.choice(["DE", "FR", "NL", "GB"]),
            "clientIp": f"203.0.113.{rng.randint(1, 254)}",
            "sandbox": "true" if rng.random() < 0.06 else "false",
        }


def crm_customers(rng: random.Random) -> Iterator[Row]:
    for number in range(45):
        first, last = rng.choice(FIRST), rng.choice(LAST)
        since = START - timedelta(days=rng.randint(30, 2200))
        later = since + timedelta(days=rng.randint(5, 900))
        city, country, zip_code = rng.choice(
            [
                ("Graz", "AT", "8010"),
                ("Leeds", "GB", "LS1 4AP"),
                ("Lyon", "FR", "69002"),
                ("Bonn", "DE", "53111"),
            ]
        )
        yield {
            "Cust. No.": f"C-{20410 + number}",
            "First Name": first,
            "Surname": last,
            "E-Mail Addr.": f"{first}.{last}{number}@example.org".lower(),
            "Tel. Mobile": f"+44 7700 900{rng.randint(0, 999):03d}",
            "Street / No.": f"{rng.choice(STREETS)} {rng.randint(1, 140)}",
            "ZIP": zip_code,
            "Town": city,
            "Ctry": country,
            "DOB": f"{datetime(1950, 1, 1, tzinfo=UTC) + timedelta(days=rng.randint(0, 19000)):%d/%m/%Y}",
            "Sex": rng.choice(["F", "M", "F", "M", ""]),
            "Cust. Since": f"{since:%d/%m/%Y}",
            "Date 2": f"{later:%d/%m/%Y}" if rng.random() < 0.4 else "",
            "Opt-In": rng.choice("YYN"),
            "HH Members": rng.choice(["1 adult", "2 adults", "2 adults, 1 kid", "2 adults, 2 kids"]),
            "Annual Inc.": rng.choice(["<25K", "25-49K", "50-74K", "75-99K", "100K+"]),
            "LTV": f"{rng.uniform(20, 4200):.2f}",
            "Tier": rng.choice(["Bronze", "Silver", "Gold"]),
            "Last Purch.": f"{START - timedelta(days=rng.randint(1, 400)):%d/%m/%Y}",
            "Acct Mgr": rng.choice(["hkl", "pwo", "sst"]),
        }


def web_events(rng: random.Random) -> Iterator[Row]:
    steps = [
        "page_viewed",
        "products_searched",
        "product_clicked",
        "product_viewed",
        "product_added",
        "order_done",
    ]
    for visit in range(12):
        now = START + timedelta(hours=5 * visit)
        member = f"m{rng.randint(100, 160)}" if rng.random() < 0.5 else ""
        cookie = f"{rng.randint(10**8, 10**9)}.{rng.randint(1690000000, 1709000000)}"
        session = f"s-{rng.getrandbits(40):010x}"
        device, country = rng.choice(["mobile", "desktop", "tablet"]), rng.choice(["US", "CA", "MX"])
        medium, referrer = rng.choice(
            [("cpc", "https://www.google.com/"), ("email", ""), ("", "https://t.co/x1")]
        )
        title, _, price = rng.choice(GOODS)
        slug = title.lower().replace(" ", "-")
        for step in steps[: rng.randint(2, 6)]:
            now += timedelta(seconds=rng.randint(4, 140), milliseconds=rng.randint(0, 999))
            stamp = int(now.timestamp() * 1000)
            with_item = step.startswith("product_")
            sold = step == "order_done"
            yield {
                "evid": f"{rng.getrandbits(64):016x}",
                "ev": step,
                "ts": stamp,
                "rcv_ts": stamp + rng.randint(40, 2500),
                "uid": member,
                "cid": cookie,
                "sid": session,
                "pid": f"SKU-{slug[:4].upper()}" if with_item else "",
                "px": f"{price:.2f}" if with_item else "",
                "n": 1 if step == "product_added" else "",
                "rev": f"{price:.2f}" if sold else "",
                "x3": "USD" if with_item or sold else "",
                "oid": f"O{70000 + visit}" if sold else "",
                "rank": rng.randint(1, 24) if step == "product_clicked" else "",
                "kw": title.split()[-1].lower() if step == "products_searched" else "",
                "loc": f"https://shop.example.com/{'p/' + slug if with_item else ''}",
                "ref": referrer,
                "med": medium,
                "dev": device,
                "geo": country,
            }


def returns_list(rng: random.Random) -> Iterator[Row]:
    reasons = [
        ("R1", "Too small"),
        ("R2", "Damaged on arrival"),
        ("R3", "Changed my mind"),
        ("R4", "Wrong item sent"),
    ]
    for number in range(34):
        asked = START + timedelta(days=number, hours=rng.randint(0, 12))
        arrived = asked + timedelta(days=rng.randint(3, 9))
        refunded = arrived + timedelta(days=rng.randint(1, 5))
        item = rng.randrange(len(GOODS))
        quantity = rng.choice([1, 1, 1, 2])
        net = round(GOODS[item][2] * quantity, 2)
        vat = round(net * 0.21, 2)
        code, reason = rng.choice(reasons)
        person = rng.randrange(40)
        yield {
            "RMA #": f"RMA{5100 + number}",
            "Order": f"SO-{88120 + rng.randint(0, 900)}",
            "Article": f"A{item:03d}.{rng.randint(1, 3)}",
            "Art. Desc": GOODS[item][0],
            "Ret. Qty": quantity,
            "RC": code,
            "Reason": reason,
            "Requested": f"{asked:%d/%m/%Y}",
            "Arrived": f"{arrived:%d/%m/%Y}",
            "Refunded": f"{refunded:%d/%m/%Y}",
            "Net": f"{net:.2f}",
            "VAT": f"{vat:.2f}",
            "Gross": f"{net + vat:.2f}",
            "Cur": "EUR",
            "Buyer": f"{FIRST[person % 12]}{person}@example.net".lower(),
            "Payout To": iban(rng),
            "Restock?": rng.choice(["yes", "yes", "no"]),
            "Agent": rng.choice(["ak", "fm", "zz-bot"]),
        }


def inventory_snapshot(rng: random.Random) -> Iterator[Row]:
    barcodes = [gtin13(rng) for _ in GOODS]
    for day in range(3):
        for item, (title, _, price) in enumerate(GOODS):
            for warehouse, name in (("10", "Rotterdam DC"), ("20", "Leeds Hub")):
                on_hand = rng.randint(0, 400)
                reserved = rng.randint(0, on_hand // 3)
                yield {
                    "STK_ITEM": f"{3300 + item}",
                    "STK_DESC": title.upper(),
                    "COL_3": barcodes[item],
                    "STK_WH": warehouse,
                    "STK_WH_NM": name,
                    "STK_SNAP_DT": f"{START + timedelta(days=day):%Y%m%d}",
                    "STK_SOH": on_hand,
                    "STK_RSVD": reserved,
                    "STK_AVAIL": on_hand - reserved,
                    "STK_ON_PO": rng.choice([0, 0, 24, 48, 96]),
                    "STK_ROP": 20 + item * 5,
                    "STK_LT_DAYS": 7 + item * 3,
                    "STK_CASE_PK": [1, 6, 12, 4][item % 4],
                    "STK_MOQ": [1, 24, 48, 12][item % 4],
                    "STK_VEND": f"V{410 + item % 3}",
                    "STK_STD_COST": f"{price * 0.52:.4f}",
                    "STK_CURR": "EUR",
                    "STK_ABC": "AABBCCAC"[item],
                    "STK_LAST_CNT": f"{START - timedelta(days=rng.randint(2, 200)):%Y%m%d}",
                }


def marketing_spend(rng: random.Random) -> Iterator[Row]:
    campaigns = [
        ("Google Ads", "Brand EU", "Search"),
        ("Google Ads", "Shopping Spring", "Shopping"),
        ("Meta", "Prospecting Video", "Awareness"),
        ("TikTok", "Creators May", "Conversions"),
    ]
    for day in range(10):
        for number, (network, name, objective) in enumerate(campaigns):
            shown = rng.randint(2000, 60000)
            clicks = int(shown * rng.uniform(0.005, 0.05))
            spend = round(clicks * rng.uniform(0.2, 1.1), 2)
            sales = int(clicks * rng.uniform(0.01, 0.05))
            yield {
                "Day": f"{START + timedelta(days=day):%Y-%m-%d}",
                "Network": network,
                "Acct": f"{['771-204', '771-204', 'act_5520', 'tt_901'][number]}",
                "Cmp ID": 1180045 + number * 77,
                "Cmp Name": name,
                "Objective": objective,
                "Flight Start": f"{START - timedelta(days=5 * number + 1):%Y-%m-%d}",
                "Flight End": f"{START + timedelta(days=30 + number):%Y-%m-%d}",
                "Delivery": rng.choice(["active", "active", "limited"]),
                "Impr.": shown,
                "Clicks": clicks,
                "CTR": f"{100 * clicks / shown:.2f}%",
                "Amount Spent": f"{spend:.2f}",
                "Avg. CPC": f"{spend / clicks:.2f}",
                "Conv.": sales,
                "Conv. Value": f"{sales * rng.uniform(30, 90):.2f}",
                "c4": "CHF" if network == "Meta" else "EUR",
            }


def zh_taobao_orders(rng: random.Random) -> Iterator[Row]:
    for number in range(50):
        created = moment_after(rng, START + timedelta(hours=4 * number), 4)
        goods, post = round(rng.uniform(29, 800), 2), rng.choice([0.0, 0.0, 8.0, 12.0])
        off = rng.choice([0.0, 0.0, 5.0, 10.0, 20.0])
        status = rng.choice(["交易成功", "交易成功", "卖家已发货", "买家已付款", "等待买家付款", "交易关闭"])
        paid = status not in {"等待买家付款", "交易关闭"}
        sent = status in {"交易成功", "卖家已发货"}
        payment = created + timedelta(minutes=rng.randint(1, 50))
        province, city = rng.choice(CN_CITIES)
        phone = chinese_phone(rng)
        form = "%Y-%m-%d %H:%M:%S"
        back = rng.choice([0, 0, 0, 0, 0.5, 1]) if status == "交易成功" else 0
        yield {
            "订单编号": f"20240{rng.randint(10**12, 10**13 - 1)}",
            "买家会员名": f"tb{rng.randint(1000, 1035)}_{rng.choice(['88', '喵', 'xx'])}",
            "买家支付宝账号": phone if rng.random() < 0.5 else f"buyer{rng.randint(1, 99)}@example.com",
            "订单状态": status,
            "商品总额": f"{goods:.2f}",
            "应付邮费": f"{post:.2f}",
            "优惠金额": f"{off:.2f}",
            "应付总额": f"{goods + post:.2f}",
            "实付金额": f"{goods + post - off:.2f}" if paid else "0.00",
            "退款金额": f"{back * (goods - off):.2f}",
            "订单创建时间": created.strftime(form),
            "订单付款时间": payment.strftime(form) if paid else "",
            "发货时间": (payment + timedelta(hours=rng.randint(2, 40))).strftime(form) if sent else "",
            "收货人姓名": chinese_name(rng),
            "收货地址": f"{province}{city}{rng.choice(CN_DISTRICTS)}示例路{rng.randint(1, 300)}号",
            "联系手机": phone,
            "物流公司": rng.choice(["顺丰速运", "中通快递", "圆通速递"]) if sent else "",
            "订单来源": rng.choice(["手机淘宝", "手机淘宝", "PC端", "直播间"]),
            "店铺名称": rng.choice(["木语家居旗舰店", "木语家居企业店"]),
            "标记旗帜": rng.choice(["", "", "红", "黄"]),
        }


def zh_customers(rng: random.Random) -> Iterator[Row]:
    for number in range(42):
        born = datetime(1955, 1, 1, tzinfo=UTC) + timedelta(days=rng.randint(0, 18000))
        joined = START - timedelta(days=rng.randint(20, 1800))
        province, city = rng.choice(CN_CITIES)
        yield {
            "会员编号": f"VIP{300120 + number}",
            "姓名": chinese_name(rng),
            "性别": rng.choice("男女"),
            "年龄": 2024 - born.year,
            "证件号码": chinese_document(rng, born),
            "手机": chinese_phone(rng),
            "邮箱": f"user{rng.randint(1, 999)}@example.cn",
            "省份": province,
            "所在城市": city,
            "年收入": rng.choice(["5万以下", "5-10万", "10-20万", "20-50万", "50万以上"]),
            "家庭人口": rng.choice([1, 2, 3, 3, 4, 5]),
            "婚姻状况": rng.choice(["已婚", "未婚"]),
            "入会时间": f"{joined:%Y/%m/%d}",
            "会员等级": rng.choice(["普通", "银卡", "金卡"]),
            "可用积分": rng.randint(0, 9000),
            "累计消费": f"{rng.uniform(50, 30000):.2f}",
            "最近购买": f"{START - timedelta(days=rng.randint(1, 19)):%Y/%m/%d}",
            "接收短信": rng.choice("是是否"),
        }


def zh_products(rng: random.Random) -> Iterator[Row]:
    goods = [
        ("纯棉四件套", "家纺", "床品套件"),
        ("北欧落地灯", "家居", "灯具"),
        ("不锈钢炒锅", "厨具", "锅具"),
        ("记忆棉枕头", "家纺", "枕芯"),
        ("陶瓷餐具套装", "厨具", "餐具"),
        ("实木床头柜", "家居", "卧室家具"),
    ]
    for number, (name, top, leaf) in enumerate(goods):
        for variant in range(6):
            price = rng.choice([59, 99, 129, 199, 399]) + number
            listed = START - timedelta(days=rng.randint(40, 900))
            later = f"{listed + timedelta(days=rng.randint(0, 35)):%Y-%m-%d}"
            yield {
                "货号": f"MY{number:02d}{variant:02d}",
                "款号": f"MY{number:02d}",
                "品名": f"{name} {['白', '灰', '蓝', '米', '黑', '绿'][variant]}",
                "详情": f"{name},{rng.choice(CN_CLAIMS)}。",
                "牌子": rng.choice(["木语", "暖居"]),
                "大类": top,
                "小类": leaf,
                "类目全称": f"{top}>{leaf}>{name}",
                "吊牌价": f"{price * 1.6:.0f}",
                "现售价": f"{price:.2f}",
                "进货价": f"{price * 0.45:.2f}",
                "币别": "CNY",
                "图": f"https://img.example.cn/my/{number}{variant}.jpg",
                "在售状态": rng.choice(["在售", "在售", "下架", "停产"]),
                "首次上架": f"{listed:%Y-%m-%d}",
                "日期": later if rng.random() < 0.7 else "",
                "厂家代码": f"G{10 + number % 3}",
                "最小订量": rng.choice([10, 20, 50]),
                "条码": gtin13(rng, "690"),
                "同步标志": rng.choice("01"),
            }


SETS: dict[str, Callable[[random.Random], Iterator[Row]]] = {
    make.__name__: make
    for make in (
        erp_order_lines,
        own_shop_orders,
        crm_customers,
        web_events,
        returns_list,
        inventory_snapshot,
        marketing_spend,
        zh_taobao_orders,
        zh_customers,
        zh_products,
    )
}


def write_sets(folder: Path) -> None:
    for name, make in SETS.items():
        rows = list(make(random.Random(f"header sets: {name}")))
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            delimiter = ";" if name == "erp_order_lines" else ","
            writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    write_sets(Path(__file__).parent)

"""The further names that bring the made-up municipality to 120 lines, with how each is allotted."""

from __future__ import annotations

FURTHER: dict[str, tuple[str, ...]] = {
    "教育": ("职教实训基地建设", "中职发展补助", "教师培训专项", "智慧教育建设", "特殊教育保障补助",
             "校园安全能力建设", "校园足球推广补助"),
    "卫生健康": ("疾控能力建设", "急救体系建设", "妇幼健康服务补助", "老年健康服务补助", "中医药传承补助",
                 "全科医生培养补助", "无偿献血保障经费"),
    "住房城乡建设": ("燃气管道更新改造", "海绵城市建设", "背街小巷整治补助", "电梯加装补助", "历史建筑保护补助",
                     "智能建造试点", "城市体检经费"),
    "交通运输": ("公路养护工程", "桥隧安全整治", "水运航道维护", "货运枢纽建设", "农村客运补助",
                 "安全监测系统建设", "路网调度运行"),
    "农业农村": ("宜居乡村建设补助", "农机购置补助", "动物防疫补助", "生猪调出奖励", "种业振兴专项",
                 "撂荒地整治补助", "农技推广补助", "农产品检测经费"),
    "水利": ("中小河流治理", "水库维修养护补助", "山洪防治工程", "水土保持补助", "节水改造工程",
             "水文监测经费", "河长制工作经费"),
    "生态环境": ("生态补偿资金", "土壤修复工程", "饮用水源保护补助", "固废监管经费", "环境监测经费",
                 "环境执法经费", "噪声治理补助"),
    "科学技术": ("基础研究专项", "实验室建设", "引才专项", "科技金融补助", "技术转移补助",
                 "知识产权补助", "科普活动经费"),
    "文化旅游": ("文物保护工程", "全民健身补助", "旅游宣传专项", "图书馆免费开放补助", "公共数字文化建设",
                 "非遗传承补助", "剧团惠民演出补助"),
    "民政": ("残疾人补贴", "高龄津贴", "儿童福利补助", "社区建设补助", "殡葬设施建设",
             "社会组织培育补助", "流浪救助补助"),
    "人力社保": ("技工院校建设", "公共实训基地建设", "高校毕业生就业补助", "人才公寓建设", "返乡创业补助",
                 "劳动监察经费", "根治欠薪工作经费"),
    "大数据": ("政务云服务", "数字孪生城市建设", "数据安全建设", "公共数据开放平台", "热线平台运行",
               "电子证照系统建设", "网络运维经费"),
}  # fmt: skip
"""Department -> names, in the order of the departments, the costly ones first."""

SECTORS = {
    "教育": "教育",
    "卫生健康": "卫生健康",
    "住房城乡建设": "城乡社区",
    "交通运输": "交通运输",
    "农业农村": "农林水",
    "水利": "农林水",
    "生态环境": "节能环保",
    "科学技术": "科学技术",
    "文化旅游": "文化旅游体育与传媒",
    "民政": "社会保障和就业",
    "人力社保": "社会保障和就业",
    "大数据": "一般公共服务",
}
"""Department -> class of the functional classification of expenditure (支出功能分类)."""

ENGLISH = {
    "教育": "Education",
    "卫生健康": "Health",
    "住房城乡建设": "Housing and urban construction",
    "交通运输": "Transport",
    "农业农村": "Agriculture and rural affairs",
    "水利": "Water",
    "生态环境": "Environment",
    "科学技术": "Science and technology",
    "文化旅游": "Culture and tourism",
    "民政": "Civil affairs",
    "人力社保": "Labour and social security",
    "大数据": "Data and digital government",
}

PER_HEAD = {"儿童福利补助": 1_000.0, "残疾人补贴": 500.0, "高龄津贴": 200.0}
"""Lines paid by standard: yuan a head."""

RUNNING = ("经费", "运行")
"""Endings of names that mark running costs of offices and systems (一般)."""

FACTORS = ("补助", "资金", "奖励")
"""Endings of names that mark money split by factors."""

EXPIRED = ("科技金融补助", "旅游宣传专项", "返乡创业补助")
"""Spending policies that run out at the end of 2026 and have no new ex-ante appraisal."""

RENEWED = {"农机购置补助": 2028, "生猪调出奖励": 2028, "技术转移补助": 2027, "电梯加装补助": 2029}
"""Spending policies that run on: last year."""

YOUNG = ("智慧教育建设", "智能建造试点", "数字孪生城市建设")
"""Lines that began in 2025: one record each."""

FUND_LINES = ("燃气管道更新改造", "海绵城市建设")
"""Paid from 政府性基金预算."""

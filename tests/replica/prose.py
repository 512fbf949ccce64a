"""Invented prose: titles and paragraphs put together from phrase banks, never taken from real pages."""

from random import Random


def words(text: str) -> tuple[str, ...]:
    """The entries of a phrase bank, written with blanks between them."""
    return tuple(text.split())


# 垚 is not in GB2312: pages that claim that encoding are really GB18030.
PLACES = words(
    "机关大院 东区食堂 西区宿舍 旧办公楼 资料室 档案库房 青年书屋 职工之家 电梯厅 会议中心 培训基地 托幼园 "
    "驻村工作站 河湾村 石桥村 双柳镇 垚坡林场 梨园社区 铁路新村 图书阅览室"
)
UNITS = words(
    "资料中心 服务处 财务一处 外联处 信息中心 研究室 离退休干部处 物业科 基建办 编辑部 采购中心 翻译室 "
    "档案室 车队 医务室 食堂管理组 青年理论小组 妇女工作小组 第二党支部 第五党支部"
)
ACTIVITIES = words(
    "读书分享会 志愿清扫日 老照片展 档案开放日 结对帮扶走访 夜校讲堂 节粮行动 旧书漂流 经典诵读 健步走 "
    "家风故事会 业务擂台赛 红色观影周 青年论坛 义务植树 岗位练兵 读报小组 技能比武 院落改造 心得交流会 "
    "光盘打卡 支部共建 调研随笔征集 新员工见面会 爱心义卖 安全演练 书法展 合唱排练 送教下乡 资料整编"
)
THEMES = words(
    "把小事办实 让老档案说话 学在平常 走近身边榜样 把课堂搬到田埂 从一粒米做起 守好一方院落 以书会友 "
    "写好调研文章 一件事一件事落实 把规矩立起来 当好服务员 多听一句 沉下去看 传好接力棒 用脚步丈量 "
    "面对面谈心 算好民生账 擦亮窗口 不让问题过夜"
)
VERBS = words("举办 开展 启动 圆满完成 组织 推进 回访 总结 筹备 深化 恢复 联合举行")
PEOPLE = words("党员 青年 老同志 新入职人员 支部委员 志愿者 厨师 驻村队员 档案员 驾驶员 保洁员 编辑")
THINGS = words(
    "借阅登记簿 旧台账 一箱捐赠图书 三十幅老照片 菜单和留样记录 帮扶清单 值班日志 意见簿 电子目录 采访笔记 "
    "手绘路线图 问题清单"
)
RESULTS = (
    "当场定下了责任人和完成时限",
    "比去年同期多出近三成",
    "让不少人改变了原先的看法",
    "为下一步修订办法提供了依据",
    "得到了楼下邻居的好评",
    "也暴露出登记不全、衔接不畅的老毛病",
    "使排队时间缩短了一刻钟",
    "经支委会讨论后写进了年度计划",
)
SENTENCES = (
    "{month}月{day}日，{unit}在{place}{verb}{activity}，共有{n}名{people}参加。",
    "{unit}先后{n}次到{place}走访，带回了{thing}，{result}。",
    "大家围绕“{theme}”这个题目轮流发言，{people}代表说得最实在：道理要懂，更要做得出来。",
    "活动分为三个环节：一是翻看{thing}，二是分组讨论，三是现场认领任务；每个环节都有{people}负责记录。",
    "过去{place}的{activity}往往是“一阵风”，今年改为每月一次，{result}。",
    "有人问：这样做会不会增加负担？{unit}的回答是，先算清楚时间账，再决定做不做。",
    "经过{n}天的准备，{thing}全部整理完毕，编号、签收、归档各有专人。",
    "在{place}，{people}们把{thing}摆在最显眼的位置，谁都可以翻，谁都可以提意见。",
    "{unit}把{activity}同日常工作结合起来，{result}，{n}条建议已有回音。",
    "一位参加过{activity}的老同志回忆，当年条件简陋，大家却干得热火朝天（那时连桌椅都是借来的）。",
    "这次{activity}没有安排主席台，也不发讲稿，{people}坐在一起，想到什么说什么。",
    "从{place}回来以后，{unit}连夜列出{n}项待办事项，其中最难的一项是{theme}。",
    "学习不能停留在本子上。{unit}要求每名{people}结合{activity}写一篇短文，字数不限，但要有例子。",
    "统计显示，全年{verb}{activity}{n}场，覆盖{place}等处，{result}。",
    "“{theme}”，听起来简单，做起来并不容易；{people}们用了整整{n}个周末。",
    "会场悬挂着“读一本好书　　做一件实事”的横幅，{n}把椅子坐得满满当当。",
)
HEADINGS = (
    "统一认识，{theme}",
    "找准位置，办好{activity}",
    "从{place}看变化",
    "{activity}的几点做法",
    "向{people}学什么",
    "下一步打算",
)
TITLE_FORMS = (
    "{unit}{verb}“{theme}”{activity}",
    "{theme}：{unit}{verb}{activity}侧记",
    "{verb}{activity}，{theme}——{unit}的做法",
    "关于{unit}{verb}{activity}的通报（主题：{theme}）",
)
CAPTIONS = (
    "图为{people}在{place}翻看{thing}",
    "{activity}现场",
    "{place}一角（资料图片）",
)


def _slots(random: Random) -> dict[str, object]:
    return {
        "unit": random.choice(UNITS),
        "place": random.choice(PLACES),
        "activity": random.choice(ACTIVITIES),
        "theme": random.choice(THEMES),
        "verb": random.choice(VERBS),
        "people": random.choice(PEOPLE),
        "thing": random.choice(THINGS),
        "result": random.choice(RESULTS),
        "n": random.randint(3, 480),
        "month": random.randint(1, 12),
        "day": random.randint(1, 28),
    }


def paragraph(random: Random) -> str:
    """Two to six sentences."""
    sentences = random.sample(SENTENCES, random.randint(2, 6))
    return "".join(sentence.format(**_slots(random)) for sentence in sentences)


def heading(random: Random, number: int) -> str:
    """A sub-title: 一、…"""
    return f"{'一二三四五六七八九'[number]}、{random.choice(HEADINGS).format(**_slots(random))}"


def caption(random: Random) -> str:
    """What stands under a picture."""
    return random.choice(CAPTIONS).format(**_slots(random))


def table(random: Random) -> tuple[tuple[str, ...], ...]:
    """A small table: a head and two to four rows of three cells."""
    rows = [("单位", "活动", "场次")]
    rows += [
        (random.choice(UNITS), random.choice(ACTIVITIES), str(random.randint(1, 60)))
        for _ in range(random.randint(2, 4))
    ]
    return tuple(rows)


def title(seed: int, index: int) -> str:
    """A title no other article of the same seed has (up to 576,000 articles)."""
    banks = (TITLE_FORMS, UNITS, VERBS, THEMES, ACTIVITIES)
    total = 1
    for bank in banks:
        total *= len(bank)
    # Multiplying by a number without a common factor visits every combination once before any repeats.
    number = (index * 104_729 + seed * 7_919) % total
    words = []
    for bank in banks:
        number, place = divmod(number, len(bank))
        words.append(bank[place])
    form, unit, verb, theme, activity = words
    return form.format(unit=unit, verb=verb, theme=theme, activity=activity)


def title_parts(seed: int, index: int) -> tuple[str, str]:
    """The two lines of a two-part title; together as unique as ``title``."""
    random = Random(f"{seed}/{index}/parts")
    return f"{random.choice(THEMES)}，{random.choice(THEMES)}", title(seed, index)

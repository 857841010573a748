// What the page says, in both languages. Names of queues, reasons and alarms come from the server.

const WORDS = {
  zh: {
    title: "客服热线 · 实时看板", age: "数据", signOut: "退出", signIn: "登录", staff: "工号", password: "密码",
    close: "关闭", other: "EN", sl10: "十秒服务水平", sl20: "二十秒", recent: "近15分钟", target: "目标",
    waitingNow: "正在等待", queues: "队列", agents: "坐席", noAlarms: "当前无告警", nobodyWaits: "无人等待",
    live: "实时", connecting: "连接中", broken: "重连中", ago: "前", noRight: "此账号没有查看看板的权限",
    failed: "暂时无法登录，请稍后再试", wrongSignIn: "工号与密码不符", lockedOut: "登录失败次数过多，请稍后再试，或联系管理员",
    total: "全部", longest: "最长等待", connection: "接通率",
    answerMean: "平均应答", answerShort: "应答", handlingShort: "处理", handling: "平均处理时长", occupancy: "工时利用率", satisfaction: "满意度",
    arrived: "今日来电", abandoned: "放弃", talk: "通话", hold: "保持", consult: "咨询", wrapup: "话后", max: "最长",
    offered: "进队", answered: "接通", inProgress: "进行中", inMenu: "菜单", talking: "通话", outside: "外线", inSurvey: "评价",
    solved: "解决率", asked: "邀评", replied: "参评", turnedAway: "婉拒", timedOut: "超时", queue: "队列",
    waiting: "等待", ready: "就绪/值守", quick: "≤5秒", middle: "5–10秒", late: ">10秒", unit: "秒",
    agentFirst: "坐席先挂", unansweredOffers: "振铃未接", onDuty: "值守", absent: "未登录", vip: "贵宾",
    help: "举手", phoneLost: "话机掉线", node: "节点", lost: "失联", gap: "数据缺口", folded: "已计入",
    taken: "接手", take: "我来处理", note: "说明（可不填，勿写客户信息）", over: "告警已解除",
    notTaken: "未能接手：告警已解除，或已由他人接手", failedTake: "暂时无法接手，请稍后再试",
    stored: "已入库", calls: "通电话", forgotten: "（今日部分明细已不在内存）", missed: "连续未接", none: "暂无",
    byProvider: "用{name}登录", providerOnly: "请用统一认证登录；无法登录时请联系管理员",
    changePassword: "修改密码", oldPassword: "当前密码", newPassword: "新密码", againPassword: "再输一遍新密码",
    mustInitial: "这是别人为您设的初始密码，修改后才能使用系统", mustExpired: "密码已到期，修改后才能使用系统",
    passwordRule: "至少 {n} 个字符，不含工号和姓名，不易被猜到（例如几个不相干的词），不能是最近用过的",
    notTheSame: "两次输入的新密码不一致", failedChange: "暂时无法修改密码，请稍后再试", and: "；",
    faults: { wrong: "当前密码不对", short: "新密码太短", personal: "新密码含有您的工号或姓名", simple: "新密码太容易被猜到", used: "新密码是最近用过的" },
    lastSignIn: "上次登录", failedSince: "此后失败", firstSignIn: "首次登录", thisOne: "本机", endSession: "结束",
    failedSessions: "暂时无法办理，请稍后再试",
    callbacks: "待回电", nothingOwed: "没有待回电的客户", settle: "办结", spokenBy: "{agent} 已于 {time} 接听客户来电",
    failedOwed: "暂时无法办理，请稍后再试",
    causes: { promise: "承诺回电", poor_rating: "低分回访", asked: "客户要求回电" },
    state: { ready: "就绪", talking: "通话", consulting: "被咨询", ringing: "振铃", reserved: "预占", wrap_up: "话后", not_ready: "示忙", logged_out: "未登录" },
    because: { logged_in: "刚登录", phone_lost: "话机掉线", no_answer: "连续未接" },
  },
  en: {
    title: "Hotline · live board", age: "Data", signOut: "Sign out", signIn: "Sign in", staff: "Staff number",
    password: "Password", close: "Close", other: "中文", sl10: "Service level 10 s", sl20: "20 s",
    recent: "Last 15 min", target: "Target", waitingNow: "Waiting now", queues: "Queues", agents: "Agents",
    noAlarms: "No alarms", nobodyWaits: "Nobody waits", live: "Live", connecting: "Connecting",
    broken: "Reconnecting", ago: "ago", noRight: "This account may not see the board",
    failed: "Signing in is not possible just now: try again", wrongSignIn: "Staff number and password do not belong together",
    lockedOut: "Too many failed sign-ins: try again later, or ask an administrator", total: "all", longest: "Longest wait",
    connection: "Connection rate", answerMean: "Mean answer", answerShort: "Answer", handlingShort: "Handling", handling: "Mean handling", occupancy: "Occupancy",
    satisfaction: "Satisfaction", arrived: "Calls today", abandoned: "Abandoned", talk: "Talk", hold: "Hold", consult: "Consult",
    wrapup: "Wrap-up", max: "max", offered: "Offered", answered: "Answered", inProgress: "in progress",
    inMenu: "menu", talking: "talking", outside: "outside", inSurvey: "survey", solved: "Solved", asked: "asked",
    replied: "answered", turnedAway: "turned away", timedOut: "timed out", queue: "Queue", waiting: "Waiting",
    ready: "Ready/duty", quick: "≤5 s", middle: "5–10 s", late: ">10 s", unit: "s", agentFirst: "Agent first",
    unansweredOffers: "Missed", onDuty: "on duty", absent: "Logged out", vip: "VIP", help: "Help",
    phoneLost: "Phone lost", node: "Node", lost: "lost", gap: "Gap in the data", folded: "counted",
    stored: "stored", calls: "calls", forgotten: "(some of today's are no longer in memory)",
    taken: "on it", take: "Take it", note: "Note (optional, no customer's data)", over: "It is over",
    notTaken: "Not taken: it is over, or somebody else's by now", failedTake: "It cannot be taken just now: try again",
    missed: "missed in a row", none: "none yet",
    byProvider: "Sign in by {name}", providerOnly: "Sign in by the identity provider; if you cannot, ask an administrator",
    changePassword: "Change password", oldPassword: "Present password", newPassword: "New password", againPassword: "New password again",
    mustInitial: "Somebody else has made this password: change it before anything else", mustExpired: "Your password has expired: change it before anything else",
    passwordRule: "At least {n} characters, without your number or name, not easily guessed (several words that do not belong together), none of your last",
    notTheSame: "The two new passwords differ", failedChange: "It cannot be changed just now: try again", and: "; ",
    faults: { wrong: "That is not your present password", short: "The new one is too short", personal: "The new one holds your number or name", simple: "The new one is too easily guessed", used: "The new one is one of your last" },
    lastSignIn: "Last signed in", failedSince: "failed since:", firstSignIn: "First sign-in", thisOne: "this one", endSession: "End",
    failedSessions: "Not possible just now: try again",
    callbacks: "Call-backs", nothingOwed: "Nobody is owed a call", settle: "Done", spokenBy: "{agent} has answered a call from them at {time}",
    failedOwed: "Not possible just now: try again",
    causes: { promise: "Promised", poor_rating: "Poor rating", asked: "Asked for it" },
    state: { ready: "Ready", talking: "Talking", consulting: "Being asked", ringing: "Ringing", reserved: "Reserved", wrap_up: "Wrap-up", not_ready: "Not ready", logged_out: "Logged out" },
    because: { logged_in: "Just logged in", phone_lost: "Phone lost", no_answer: "Missed in a row" },
  },
};

let language = localStorage.getItem("board-language") === "en" ? "en" : "zh";

export const current = () => language;
export const word = (name) => WORDS[language][name];
export const stateName = (state) => WORDS[language].state[state] ?? state;
// A not-ready that is no reason of the list: it came about by itself.
export const becauseOf = (reason) => WORDS[language].because[reason] ?? reason;
export const locale = () => (language === "zh" ? "zh-CN" : "en-GB");
// A label of the server: {zh, en}; the code itself where there is none.
export const label = (entry, code) => entry?.[language] || code;

// Business and language of a queue apart, so that a narrow column cuts the one and keeps the other.
export function partsOf(queue, names) {
  const [business, tongue] = queue.split("-");
  if (!names.businesses[business] || !names.languages[tongue]) return [label(names.queues[queue], queue), ""];
  return [label(names.businesses[business], business), label(names.languages[tongue], tongue)];
}

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("board-language", language);
  sayWords();
}

export function sayWords() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = `95559 ${word("title")}`;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
}

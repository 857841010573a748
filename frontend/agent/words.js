// What the page says, in both languages. Names of queues, reasons and call types come from the server.

const WORDS = {
  zh: {
    other: "EN", title: "客户服务热线 · 坐席工作台", signIn: "登录", signOut: "退出", staff: "工号", password: "密码",
    failed: "暂时无法办理，请稍后再试",
    byProvider: "用{name}登录", mustChange: "请先在看板页面修改密码，再回到本页",
    noRight: "此账号没有坐席权限", sit: "签入话机", ready: "就绪", notReady: "示忙", logOut: "签出", useHere: "改在本页使用",
    elsewhere: "话机已在另一个标签页中打开", line: "话机", lineState: { off: "未签入", connecting: "连接中", ready: "已连接" },
    auto: "自动接听", idle: "没有通话", answer: "接听", hangUp: "挂断", hold: "保持", resume: "恢复通话",
    mute: "静音", unmute: "取消静音", transfer: "转接", target: "工号或队列名", survey: "转评价",
    refused: "转接未成功，客户仍在线上", apologise: "客户已等待 {s} 秒，请先致歉", consent: "保持前请说明原因并征得客户同意",
    owed: "待写总结", nothingOwed: "没有待写的总结", type: "话务类型", save: "保存总结", wrapUp: "话后处理，写好总结后自动就绪",
    microphone: "没有麦克风：请在浏览器中允许（网页须经 HTTPS 打开），再重新签入",
    noTelephone: "话机程序未安装，请联系运维（./run setup）",
    fields: { customer_name: "客户姓名", contact: "联系方式", account: "账号/卡号", content: "咨询内容", result: "处理结果", follow_up: "后续事项", language: "语言", nature: "性质", urgency: "紧急级别", read_back: "已复述并确认", callback_to: "回电号码", callback_due: "回电时限", hang_up_reason: "挂机原因", reported_to: "已报告的值班长" },
    choices: { ordinary: "一般", complex: "复杂", grave: "重大", high: "高", medium: "中", low: "低" },
    state: { ready: "就绪", talking: "通话中", consulting: "被咨询", ringing: "振铃", reserved: "预占", wrap_up: "话后处理", not_ready: "示忙", logged_out: "未签入" },
    because: { logged_in: "刚签入", phone_lost: "话机掉线", no_answer: "连续未接" },
  },
  en: {
    other: "中文", title: "Hotline · agent's desk", signIn: "Sign in", signOut: "Sign out", staff: "Staff number", password: "Password",
    failed: "Not possible just now: try again",
    byProvider: "Sign in by {name}", mustChange: "Change your password on the board's page first, then come back",
    noRight: "This account is no agent's", sit: "Log in here", ready: "Ready", notReady: "Not ready", logOut: "Log out", useHere: "Use it here",
    elsewhere: "The telephone is open in another tab", line: "Telephone", lineState: { off: "not logged in", connecting: "connecting", ready: "connected" },
    auto: "Answer by itself", idle: "No call", answer: "Answer", hangUp: "Hang up", hold: "Hold", resume: "Resume",
    mute: "Mute", unmute: "Unmute", transfer: "Transfer", target: "Staff number or queue", survey: "To the survey",
    refused: "Not transferred: the customer is still here", apologise: "Waited {s} s: apologise first", consent: "Say why, and ask for consent, before you hold",
    owed: "Summaries owed", nothingOwed: "Nothing is owed", type: "Call type", save: "Save", wrapUp: "Wrap-up: saving the summary makes you ready",
    microphone: "The browser allows no microphone: allow it (the page has to come over HTTPS), then log in again",
    noTelephone: "The telephone's program is not installed: tell the operator (./run setup)",
    fields: { customer_name: "Customer", contact: "Contact", account: "Account", content: "Content", result: "Result", follow_up: "Follow-up", language: "Language", nature: "Nature", urgency: "Urgency", read_back: "Read back", callback_to: "Call back to", callback_due: "Call back until", hang_up_reason: "Why it was ended", reported_to: "Reported to" },
    choices: { ordinary: "ordinary", complex: "complex", grave: "grave", high: "high", medium: "medium", low: "low" },
    state: { ready: "Ready", talking: "Talking", consulting: "Being asked", ringing: "Ringing", reserved: "Reserved", wrap_up: "Wrap-up", not_ready: "Not ready", logged_out: "Logged out" },
    because: { logged_in: "logged in", phone_lost: "phone lost", no_answer: "not answered" },
  },
};

const KEY = "board-language"; // one choice for all pages
export let language = localStorage.getItem(KEY) === "en" ? "en" : "zh";

export const word = (name) => WORDS[language][name] ?? name;
export const named = (thing) => (thing ? (language === "zh" ? thing.name_zh : thing.name_en) : "");

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem(KEY, language);
}

// Fills every element that names a word.
export function fill(root = document) {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = word("title");
  for (const element of root.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
  for (const element of root.querySelectorAll("[data-hint]")) element.placeholder = word(element.dataset.hint);
}

// The shell's own words; those of the pages are in packages/react.
const en = {
  billing: "Billing",
  admin: "Admin",
  skip: "Skip to the content",
  loading: "Loading…",
  language: "Language",
  theme: "Appearance",
  system: "As the system",
  light: "Light",
  dark: "Dark",
  log_out: "Log out",
  log_in: "Log in",
  register: "Make an account",
  email: "E-mail address",
  password: "Password",
  new_here: "No account yet? Make one",
  known_here: "Already have an account? Log in",
  unreachable: "The service cannot be reached. Check that it runs, then load this page again.",
  hint: "The service has printed an admin's password when it first started. `tallystick users reset-password` makes a new one.",
  not_admin: "This page is for admins. You are logged in as {email}.",
};

export type ShellWords = typeof en;

const ja: ShellWords = {
  billing: "お支払い",
  admin: "管理",
  skip: "本文へ移動",
  loading: "読み込み中…",
  language: "言語",
  theme: "表示",
  system: "システムに合わせる",
  light: "ライト",
  dark: "ダーク",
  log_out: "ログアウト",
  log_in: "ログイン",
  register: "アカウントを作る",
  email: "メールアドレス",
  password: "パスワード",
  new_here: "アカウントをお持ちでない方はこちら",
  known_here: "アカウントをお持ちの方はこちら",
  unreachable: "サービスに接続できません。起動を確認して、このページを開き直してください。",
  hint: "管理者のパスワードは、最初の起動時にサービスが表示しています。`tallystick users reset-password` で作り直せます。",
  not_admin: "このページは管理者用です。{email} としてログインしています。",
};

export const words = { en, ja };

"""The languages that the hosted engine hears: code, name in the reader's language, name in its own.

Codes are ISO 639-1 where there is one, else 639-3, as `realtime.options` takes them. The embedded engine hears English.
"""

from __future__ import annotations

import re

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: code -> (name, own name)
LANGUAGES: dict[str, tuple[Promise, str]] = {
    "af": (_("Afrikaans"), "Afrikaans"), "am": (_("Amharic"), "አማርኛ"), "ar": (_("Arabic"), "العربية"),
    "hy": (_("Armenian"), "Հայերեն"), "as": (_("Assamese"), "অসমীয়া"), "ast": (_("Asturian"), "Asturianu"),
    "az": (_("Azerbaijani"), "Azərbaycanca"), "be": (_("Belarusian"), "Беларуская"), "bn": (_("Bengali"), "বাংলা"),
    "bs": (_("Bosnian"), "Bosanski"), "bg": (_("Bulgarian"), "Български"), "my": (_("Burmese"), "မြန်မာ"),
    "yue": (_("Cantonese"), "粵語"), "ca": (_("Catalan"), "Català"), "ceb": (_("Cebuano"), "Cebuano"),
    "ny": (_("Chichewa"), "Chichewa"), "hr": (_("Croatian"), "Hrvatski"), "cs": (_("Czech"), "Čeština"),
    "da": (_("Danish"), "Dansk"), "nl": (_("Dutch"), "Nederlands"), "en": (_("English"), "English"),
    "et": (_("Estonian"), "Eesti"), "fil": (_("Filipino"), "Filipino"), "fi": (_("Finnish"), "Suomi"),
    "fr": (_("French"), "Français"), "ff": (_("Fulah"), "Fulfulde"), "gl": (_("Galician"), "Galego"),
    "lg": (_("Ganda"), "Luganda"), "ka": (_("Georgian"), "ქართული"), "de": (_("German"), "Deutsch"),
    "el": (_("Greek"), "Ελληνικά"), "gu": (_("Gujarati"), "ગુજરાતી"), "ha": (_("Hausa"), "Hausa"),
    "he": (_("Hebrew"), "עברית"), "hi": (_("Hindi"), "हिन्दी"), "hu": (_("Hungarian"), "Magyar"),
    "is": (_("Icelandic"), "Íslenska"), "ig": (_("Igbo"), "Igbo"), "id": (_("Indonesian"), "Bahasa Indonesia"),
    "ga": (_("Irish"), "Gaeilge"), "it": (_("Italian"), "Italiano"), "ja": (_("Japanese"), "日本語"),
    "jv": (_("Javanese"), "Basa Jawa"), "kea": (_("Kabuverdianu"), "Kabuverdianu"), "kn": (_("Kannada"), "ಕನ್ನಡ"),
    "kk": (_("Kazakh"), "Қазақша"), "km": (_("Khmer"), "ខ្មែរ"), "ko": (_("Korean"), "한국어"),
    "ku": (_("Kurdish"), "Kurdî"), "ky": (_("Kyrgyz"), "Кыргызча"), "lo": (_("Lao"), "ລາວ"),
    "lv": (_("Latvian"), "Latviešu"), "ln": (_("Lingala"), "Lingála"), "lt": (_("Lithuanian"), "Lietuvių"),
    "luo": (_("Luo"), "Dholuo"), "lb": (_("Luxembourgish"), "Lëtzebuergesch"), "mk": (_("Macedonian"), "Македонски"),
    "ms": (_("Malay"), "Bahasa Melayu"), "ml": (_("Malayalam"), "മലയാളം"), "mt": (_("Maltese"), "Malti"),
    "zh": (_("Mandarin Chinese"), "中文"), "mi": (_("Maori"), "Māori"), "mr": (_("Marathi"), "मराठी"),
    "mn": (_("Mongolian"), "Монгол"), "ne": (_("Nepali"), "नेपाली"), "nso": (_("Northern Sotho"), "Sesotho sa Leboa"),
    "no": (_("Norwegian"), "Norsk"), "oc": (_("Occitan"), "Occitan"), "or": (_("Odia"), "ଓଡ଼ିଆ"),
    "ps": (_("Pashto"), "پښتو"), "fa": (_("Persian"), "فارسی"), "pl": (_("Polish"), "Polski"),
    "pt": (_("Portuguese"), "Português"), "pa": (_("Punjabi"), "ਪੰਜਾਬੀ"), "ro": (_("Romanian"), "Română"),
    "ru": (_("Russian"), "Русский"), "sr": (_("Serbian"), "Српски"), "sn": (_("Shona"), "chiShona"),
    "sd": (_("Sindhi"), "سنڌي"), "sk": (_("Slovak"), "Slovenčina"), "sl": (_("Slovenian"), "Slovenščina"),
    "so": (_("Somali"), "Soomaali"), "es": (_("Spanish"), "Español"), "sw": (_("Swahili"), "Kiswahili"),
    "sv": (_("Swedish"), "Svenska"), "tg": (_("Tajik"), "Тоҷикӣ"), "ta": (_("Tamil"), "தமிழ்"),
    "te": (_("Telugu"), "తెలుగు"), "th": (_("Thai"), "ไทย"), "tr": (_("Turkish"), "Türkçe"),
    "uk": (_("Ukrainian"), "Українська"), "umb": (_("Umbundu"), "Umbundu"), "ur": (_("Urdu"), "اردو"),
    "uz": (_("Uzbek"), "Oʻzbekcha"), "vi": (_("Vietnamese"), "Tiếng Việt"), "cy": (_("Welsh"), "Cymraeg"),
    "wo": (_("Wolof"), "Wolof"), "xh": (_("Xhosa"), "isiXhosa"), "zu": (_("Zulu"), "isiZulu"),
}  # fmt: skip
_CODE = re.compile(r"[a-z]{2,3}")
_LABELLED = re.compile(r".*\(([a-z]{2,3})\)")


def label(code: str) -> str:
    """A language as people choose it, ``German (de)``; a code that is not in the list stands for itself."""
    return f"{LANGUAGES[code][0]} ({code})" if code in LANGUAGES else code


def choices() -> list[tuple[str, str]]:
    """``(label, own name)`` of all languages, by name in the reader's language."""
    return sorted(((label(code), own) for code, (_name, own) in LANGUAGES.items()), key=lambda one: one[0].casefold())


def find(text: str) -> str | None:
    """The code for what somebody typed: a code, a label, or a name in the reader's or its own language.

    None when no language is called so. A code that is not in the list is taken as it is: the service learns languages.
    """
    text = text.strip()
    if found := _LABELLED.fullmatch(text):
        return found[1]
    key = text.casefold()
    for code, names in LANGUAGES.items():
        if key in (code, *(str(name).casefold() for name in names)):
            return code
    return text if _CODE.fullmatch(text) else None

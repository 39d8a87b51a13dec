/**
 * PDFs as people make them: pages in the languages of Indian schools, printed by Chromium, LibreOffice 7.4 and cairo 1.16
 * with Debian's Noto fonts. They are kept beside this file, for a machine without such fonts prints boxes; `node
 * test/support/pdf/print.ts` makes Chromium's anew on one that has them.
 */
import { readFileSync } from "node:fs";

const hindi =
  "विद्यालय की वार्षिक रिपोर्ट: हिन्दी में लिखा यह पत्र सभी अभिभावकों के लिए है। विद्यार्थियों की परीक्षा मार्च में होगी। प्रधानाचार्य कृष्ण कुमार। ज़रूरी सूचना: फ़ीस १५ अप्रैल तक। क्षेत्रीय ज्ञान, श्रद्धा, त्रिकोण, द्वितीय कक्षा, चिट्ठी, पढ़ाई, हृदय, स्त्री, राष्ट्रीय";

/** `font` is what Chromium is told; null: another program printed it. */
export const printed = {
  hindi: {
    font: "Noto Sans Devanagari",
    text: hindi,
  },
  marathi: {
    font: "Noto Serif Devanagari",
    text: "शाळेचा वार्षिक अहवाल: मराठी भाषेत लिहिलेले हे पत्र सर्व पालकांसाठी आहे. विद्यार्थ्यांची परीक्षा एप्रिल महिन्यात होईल. मुख्याध्यापक, ज्ञानेश्वर, ऱ्हास, डॉक्टर, बर्‍याच, तऱ्हा, शिक्षणाधिकाऱ्यांनी",
  },
  bengali: {
    font: "Noto Sans Bengali",
    text: "বিদ্যালয়ের বার্ষিক প্রতিবেদন: বাংলায় লেখা এই চিঠি সকল অভিভাবকের জন্য। ছাত্রছাত্রীদের পরীক্ষা মার্চ মাসে হবে। শিক্ষক, কোথায়, চৌধুরী, জ্ঞান, রাষ্ট্রীয়, উৎসব, স্ত্রী, শ্রেণি",
  },
  tamil: {
    font: "Noto Sans Tamil",
    text: "பள்ளியின் ஆண்டு அறிக்கை: தமிழில் எழுதப்பட்ட இந்தக் கடிதம் அனைத்து பெற்றோர்களுக்கும் உரியது. மாணவர்களின் தேர்வு மார்ச் மாதத்தில் நடைபெறும். போட்டி, கௌரவம், ஸ்ரீ, க்ஷேத்திரம்",
  },
  telugu: {
    font: "Noto Sans Telugu",
    text: "పాఠశాల వార్షిక నివేదిక: తెలుగులో రాసిన ఈ లేఖ తల్లిదండ్రులందరికీ. విద్యార్థుల పరీక్ష మార్చిలో జరుగుతుంది. ప్రధానోపాధ్యాయుడు, కృష్ణ, రాష్ట్రం, జ్ఞానం, స్త్రీ, క్షేత్రం",
  },
  gujarati: {
    font: "Noto Sans Gujarati",
    text: "શાળાનો વાર્ષિક અહેવાલ: ગુજરાતીમાં લખેલો આ પત્ર બધા વાલીઓ માટે છે. વિદ્યાર્થીઓની પરીક્ષા માર્ચમાં થશે. શિક્ષણ, કૃષ્ણ, રાષ્ટ્રીય, જ્ઞાન, ક્ષેત્ર, પ્રિન્સિપાલ",
  },
  kannada: {
    font: "Noto Sans Kannada",
    text: "ಶಾಲೆಯ ವಾರ್ಷಿಕ ವರದಿ: ವಿದ್ಯಾರ್ಥಿಗಳ ಪರೀಕ್ಷೆ ಮಾರ್ಚ್ ತಿಂಗಳಲ್ಲಿ ನಡೆಯಲಿದೆ. ಮುಖ್ಯೋಪಾಧ್ಯಾಯರು, ಶಿಕ್ಷಣ, ಜ್ಞಾನ",
  },
  malayalam: {
    font: "Noto Sans Malayalam",
    text: "സ്കൂളിന്റെ വാർഷിക റിപ്പോർട്ട്: വിദ്യാർത്ഥികളുടെ പരീക്ഷ മാർച്ചിൽ നടക്കും. പ്രധാനാധ്യാപകൻ, ക്ഷേത്രം",
  },
  odia: { font: "Noto Sans Oriya", text: "ବିଦ୍ୟାଳୟର ବାର୍ଷିକ ବିବରଣୀ: ଛାତ୍ରଛାତ୍ରୀଙ୍କ ପରୀକ୍ଷା ମାର୍ଚ୍ଚ ମାସରେ ହେବ। ଶିକ୍ଷକ" },
  punjabi: { font: "Noto Sans Gurmukhi", text: "ਪੰਜਾਬੀ ਸਕੂਲ ਦੀ ਸਾਲਾਨਾ ਰਿਪੋਰਟ: ਵਿਦਿਆਰਥੀਆਂ ਦੀ ਪ੍ਰੀਖਿਆ ਮਾਰਚ ਵਿੱਚ ਹੋਵੇਗੀ। ਅਧਿਆਪਕ" },
  urdu: {
    font: "Noto Naskh Arabic",
    text: "اسکول کی سالانہ رپورٹ: یہ خط تمام والدین کے لیے ہے۔ طلبہ کے امتحان مارچ میں ہوں گے۔",
  },
  english: {
    font: "Noto Serif",
    text: "The office of the efficient fjord: waffles, difficult affluent officials; the first floor staff offered fluffy baffling coffee, “résumé” — naïve café",
  },
  mixed: {
    font: "Noto Sans Devanagari",
    text: "Annual Report वार्षिक रिपोर्ट 2026: the principal (प्रधानाचार्य) said விடுமுறை is ছুটি and సెలవు. Class X कक्षा १०, fee ₹15,000 for विद्यालय, office",
  },
  // As the one above, by other programs: LibreOffice marks fewer of its words, and cairo each letter with its signs.
  "hindi-libreoffice": { font: null, text: hindi },
  "hindi-cairo": { font: null, text: hindi },
} as const satisfies Record<string, { readonly font: string | null; readonly text: string }>;

export type Printed = keyof typeof printed;

/** Where a printed PDF is kept. */
export const printedUrl = (name: Printed): URL => new URL(`printed/${name}.pdf`, import.meta.url);

export const printedPdf = (name: Printed): Buffer => readFileSync(printedUrl(name));

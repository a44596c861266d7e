//! People's names in several scripts, each with the Latin form that stands in an e-mail address.

use super::dice::{Aspect, mix};

/// An office: who works there and how its addresses end. Entries are `shown` or `shown:latin`, parted by commas.
struct Office {
    domain: &'static str,
    given: &'static str,
    family: &'static str,
}

/// `example` is reserved by RFC 2606: no letter will ever reach a stranger.
const OFFICES: &[Office] = &[
    Office {
        domain: "meridian.example",
        given: "James,Mary,Robert \"Bob\":bob,Patricia,Seán:sean,Siobhán:siobhan,Linda,Owen,Jean-Luc:jeanluc,Aoife,D'Angelo:dangelo,Grace,\
                Rhys,Niamh,Thomas,Chloë:chloe,Noah,Amelia,Renée:renee,Xavier",
        family: "Smith,O'Brien:obrien,Johnson,Ní Dhomhnaill:nidhomhnaill,Williams,MacLeod,Brown,D'Souza:dsouza,Taylor,van der Berg:vanderberg,\
                 Wilson,Fitzgerald,Evans,St. John:stjohn,Roberts,Smith-Jones:smithjones,Walker,O’Connor:oconnor,Wright,Ng",
    },
    Office {
        domain: "de.meridian.example",
        given: "Jürgen:juergen,Anneliese,Björn:bjoern,Käthe:kaethe,Lukas,Sören:soeren,Mia,Günther:guenther,Heike,Jörg:joerg,Anna-Lena:annalena,\
                Maximilian,Zoë:zoe,Uwe,Hannelore,Matthias",
        family: "Müller:mueller,Schäfer:schaefer,Groß:gross,von Württemberg:vonwuerttemberg,Weiß:weiss,Köhler:koehler,Schmidt,Böhm:boehm,Hofmann,\
                 Jäger:jaeger,Krüger:krueger,Zimmermann,Straußenberger-Löwenstein:straussenbergerloewenstein,Vogel,Frank,Roth",
    },
    Office {
        domain: "fr.meridian.example",
        given: "Élodie:elodie,François:francois,Maël:mael,Anaïs:anais,Jérôme:jerome,Océane:oceane,Benoît:benoit,Hélène:helene,Loïc:loic,Inès:ines,\
                Côme:come,Léa:lea",
        family: "Lefèvre:lefevre,Dupont,L'Hôpital:lhopital,Bérenger:berenger,Châtelain:chatelain,Œuvrard:oeuvrard,Garçon:garcon,Noël:noel,Rousseau,\
                 d'Ormesson:dormesson,Petit,Besançon:besancon",
    },
    Office {
        domain: "es.meridian.example",
        given: "José:jose,María:maria,Íñigo:inigo,Begoña:begona,Ángel:angel,Lucía:lucia,Joaquín:joaquin,Concepción:concepcion,Iván:ivan,Nuria,\
                João:joao,Conceição:conceicao",
        family: "García Márquez:garciamarquez,Muñoz:munoz,Ibáñez:ibanez,Peña:pena,Gutiérrez:gutierrez,Núñez:nunez,de la Cruz:delacruz,Gonçalves:goncalves,\
                 Magalhães:magalhaes,Yáñez:yanez,López:lopez,Agüero:aguero",
    },
    Office {
        domain: "pl.meridian.example",
        given: "Łukasz:lukasz,Małgorzata:malgorzata,Świętosława:swietoslawa,Grzegorz,Żaneta:zaneta,Stanisław:stanislaw,Zofia,Jiří:jiri,Žaneta:zhaneta,\
                Čeněk:cenek,Kateřina:katerina,Ľudmila:ludmila",
        family: "Wiśniewska:wisniewska,Kowalczyk,Wójcik:wojcik,Brzęczyszczykiewicz:brzeczyszczykiewicz,Łącki:lacki,Źródlak:zrodlak,Dvořák:dvorak,Němcová:nemcova,\
                 Příhoda:prihoda,Šťastný:stastny,Novák:novak,Krč:krc",
    },
    Office {
        domain: "nordic.meridian.example",
        given: "Åsa:asa,Øyvind:oyvind,Sæunn:saeunn,Guðrún:gudrun,Þórarinn:thorarinn,Jóhanna:johanna,Päivi:paivi,Väinö:vaino,Ingrid,Lærke:laerke,Snorri,Ülle:ulle",
        family: "Sjöström:sjostrom,Bjørnsdóttir:bjornsdottir,Þorvaldsson:thorvaldsson,Hämäläinen:hamalainen,Ångström:angstrom,Kjær:kjaer,Lindqvist,Ødegård:odegard,\
                 Mäkelä:makela,Nygård:nygard,Õunapuu:ounapuu,Ek",
    },
    Office {
        domain: "tr.meridian.example",
        given: "İbrahim:ibrahim,Işıl:isil,Çağla:cagla,Gökçe:gokce,Ömer:omer,Şebnem:sebnem,Ümit:umit,Yiğit:yigit,Nguyệt:nguyet,Đức:duc,Hằng:hang,Thị Ánh:thianh",
        family: "Yılmaz:yilmaz,Öztürk:ozturk,Çelik:celik,Şahin:sahin,Güneş:gunes,İnönü:inonu,Nguyễn:nguyen,Trần:tran,Lê:le,Phạm:pham,Đặng:dang,Võ:vo",
    },
    Office {
        domain: "ru.meridian.example",
        given: "Александр:aleksandr,Мария:mariya,Пётр:petr,Наталья:natalya,Ильдар:ildar,Олексій:oleksii,Їванка:yivanka,Ґалина:galyna,Ђорђе:djordje,Љубица:ljubica,\
                Ёлка:yolka,Тимур:timur",
        family: "Иванова:ivanova,Кузнецов:kuznetsov,Щербаков:shcherbakov,Шевченко:shevchenko,Ґонта:gonta,Соловьёв:solovyov,Ћирић:ciric,Мусоргский:musorgskii,\
                 Јовановић:jovanovic,Короленко-Подгорный:korolenkopodgornyi,Сидоров:sidorov,Цой:tsoi",
    },
    Office {
        domain: "gr.meridian.example",
        given: "Γιώργος:giorgos,Ελένη:eleni,Ἀθηνᾶ:athina,Κωνσταντίνος:konstantinos,Χρυσούλα:chrysoula,Νίκος:nikos,Ευάγγελος:evangelos,Ζωή:zoi",
        family: "Παπαδόπουλος:papadopoulos,Οικονόμου:oikonomou,Καραγιάννης:karagiannis,Βασιλείου:vasileiou,Δημητρίου:dimitriou,Αγγελίδης:angelidis,Ξένος:xenos,Ψαρράς:psarras",
    },
    Office {
        domain: "mena.meridian.example",
        given: "محمد:mohammed,فاطمة:fatima,عبد الرحمن:abdulrahman,نور:nour,يوسف:youssef,ليلى:layla,שרה:sarah,יוסף:yosef,פרויקה:fruika,Zineb,مُنَى:muna,کیان:kian",
        family: "الهاشمي:alhashimi,بن سعيد:binsaid,القحطاني:alqahtani,خوري:khoury,כהן:cohen,לוי:levi,بوعزيزي:bouazizi,رضایی:rezaei,شاه‌محمدی:shahmohammadi,النجّار:alnajjar",
    },
    Office {
        domain: "cn.meridian.example",
        given: "伟:wei,芳:fang,秀英:xiuying,娜:na,敏:min,静怡:jingyi,浩然:haoran,子涵:zihan,𠮷郎:jilang,欣:xin",
        family: "王:wang,李:li,张:zhang,欧阳:ouyang,陈:chen,黄:huang,吴:wu,诸葛:zhuge,劉:liu,㐂:xi",
    },
    Office {
        domain: "jp.meridian.example",
        given: "さくら:sakura,健太:kenta,陽菜:hina,ユウキ:yuki,大翔:hiroto,美咲:misaki,민준:minjun,서연:seoyeon,지우:jiwoo,하늘:haneul",
        family: "佐藤:sato,髙橋:takahashi,渡邊:watanabe,小鳥遊:takanashi,東海林:shoji,김:kim,이:lee,박:park,최:choi,남궁:namgung",
    },
    Office {
        domain: "in.meridian.example",
        given: "अर्जुन:arjun,प्रिया:priya,कृष्णमूर्ति:krishnamurthy,लक्ष्मी:lakshmi,ஆதித்யா:adithya,মৌসুমী:mousumi,สมชาย:somchai,ณัฐธิดา:natthida,გიორგი:giorgi,Հայկ:hayk",
        family: "शर्मा:sharma,श्रीवास्तव:shrivastava,पटेल:patel,सिंह:singh,சுப்பிரமணியன்:subramanian,বন্দ্যোপাধ্যায়:bandyopadhyay,เจริญสุข:charoensuk,ბერიძე:beridze,Սարգսյան:sargsyan,वर्मा:varma",
    },
];

/// One part of a name.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) shown: &'static str,
    pub(super) latin: String,
}

/// A name, and the office where somebody bears it.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) given: Part,
    pub(super) family: Part,
    pub(super) domain: &'static str,
}

/// Every pair of names of every office, in an order in which neighbors are of different offices.
pub(super) struct Names(Vec<Person>);

impl Person {
    /// The part of an address before the `@`, for one of several who bear the name.
    pub(super) fn mailbox(&self, namesakes: u64) -> String {
        let (given, family) = (&self.given.latin, &self.family.latin);
        match namesakes {
            0 => format!("{given}.{family}"),
            namesakes => format!("{given}.{family}{}", namesakes + 1),
        }
    }
}

impl Names {
    pub(super) fn new(seed: u64) -> Self {
        let mut pairs = Vec::new();
        for office in OFFICES {
            let families = parts(office.family);
            for given in parts(office.given) {
                pairs.extend(families.iter().map(|family| Person {
                    given: given.clone(),
                    family: family.clone(),
                    domain: office.domain,
                }));
            }
        }
        let size = pairs.len() as u64;
        let start = mix(seed ^ ((Aspect::Names as u64) << 40));
        // Steps without a common divisor with the size hit each pair once; near the golden section they spread neighbors.
        let has_common = |step: u64| {
            (2..=step).any(|divisor| size.is_multiple_of(divisor) && step.is_multiple_of(divisor))
        };
        let mut step = size * 618 / 1000 + start % (size / 16 + 1);
        while has_common(step) {
            step += 1;
        }
        let first = mix(start) % size;
        let place = |number: u64| ((number * step + first) % size) as usize;
        Self(
            (0..size)
                .map(|number| pairs[place(number)].clone())
                .collect(),
        )
    }

    /// The name of the person of this number, and how many people with a lower number bear the same. The first few thousand
    /// numbers all have different names.
    pub(super) fn person(&self, index: u64) -> (&Person, u64) {
        let size = self.0.len() as u64;
        (&self.0[(index % size) as usize], index / size)
    }
}

fn parts(list: &'static str) -> Vec<Part> {
    list.split(',')
        .map(|entry| match entry.split_once(':') {
            Some((shown, latin)) => Part {
                shown: shown.trim_start(),
                latin: latin.to_owned(),
            },
            None => Part {
                shown: entry.trim_start(),
                latin: entry.trim_start().to_ascii_lowercase(),
            },
        })
        .collect()
}
